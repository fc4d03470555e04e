// Telling a dead node from a silent one: whom to ask about it, and what their answers mean. One
// witness that reaches the node proves that its kernel lives; that nobody reaches it is evidence of
// death only if enough of them looked. Source of the idea: SWIM's indirect probes (Das, Gupta,
// Motivala, DSN 2002).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/api/request.hpp"
#include "core/controllers/timing.hpp"

namespace keelson::controllers {

struct Witness {
  enum class Answer : uint8_t { none, reached, unreached };
  std::string node;
  bool foreign = false;  // of another zone than the suspect
  Answer answer = Answer::none;
  bool lost = false;  // it has fallen silent itself: no use waiting for its answer
};

// What is being asked about one silent node. Times are observed time.
struct Inquiry {
  enum class Phase : uint8_t {
    resting,  // nothing is being asked until next_at
    asking,
    dead,
  };
  Phase phase = Phase::resting;
  uint64_t round = 0;
  std::vector<Witness> witnesses;
  Duration asked_at{};
  Duration next_at{};
  uint32_t fruitless = 0;  // rounds in a row that settled nothing
  uint32_t reached = 0;    // rounds in a row in which a witness reached the node

  // Takes an answer of the current round; others are ignored. Returns whether it was taken.
  bool answer(const std::string& witness, const api::PeerReport& report);
  // "<round> <witness> <witness> ...": the entry for the ConfigMap.
  std::string question() const;
  uint32_t unreached() const;
};

enum class Finding : uint8_t { wait, reached, dead, ask_again };
// `foreign_only`: so much of the zone or the cluster is silent that only other zones are believed.
Finding weigh(const Inquiry& inquiry, bool foreign_only, const NodeTiming& timing,
              Duration observed_now);
// The pause before the next round after one that ended in this finding; zero after few fruitless
// ones.
Duration rest_after(const Inquiry& inquiry, const NodeTiming& timing);

// The nodes that can be asked, by zone.
class WitnessPool {
 public:
  // REQUIRES: called in the same order for the same set of nodes, so that choices repeat.
  void add(const std::string& zone, const std::string& node) { zones_[zone].push_back(node); }
  // Up to `count` nodes, spread over the zones, other zones first; which ones depends on the
  // suspect and the round alone. The suspect itself must not be in the pool.
  std::vector<Witness> choose(const std::string& suspect, const std::string& zone, uint64_t round,
                              uint32_t count, bool foreign_only) const;

 private:
  std::map<std::string, std::vector<std::string>> zones_;
};

}  // namespace keelson::controllers
