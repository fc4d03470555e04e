// The requests in progress: between real connections, which act whenever they like, and the
// simulated API server, which may learn of that as recorded inputs alone. A LiveExchange hands
// answers out to its connection at once; what comes back from there (the client has gone, reads too
// slowly, has sent data) is told to the session, which brings it in as an input. In a replay there
// is no connection, and the same inputs come from the recording.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/hash.hpp"
#include "core/rest/http.hpp"
#include "sim/engine/process.hpp"
#include "sim/live/input.hpp"

namespace keelson::sim {

class LiveExchange;

class Exchanges {
 public:
  // `outside` takes what connections do. What is answered is folded into the digest.
  Exchanges(Engine& engine, std::function<void(Input)> outside);
  ~Exchanges();

  // The exchange of a request that enters `process` now. `connection` may be null.
  rest::ExchangePtr open(uint64_t number, Process& process, rest::ExchangePtr connection);
  // Brings an input about an exchange to its process; of no effect if it has ended.
  void apply(const Input& input);
  // The process dies, and its connections with it. REQUIRES: before what it consists of is
  // destroyed.
  void cut(const Process& process);
  // Tells of connections that have had more written to them than they can take.
  void poll();
  // When the youngest request entered that has no answer yet.
  std::optional<Instant> waiting_since() const;
  std::size_t size() const { return all_.size(); }

 private:
  friend class LiveExchange;
  Engine& engine_;
  std::function<void(Input)> outside_;
  std::map<uint64_t, std::shared_ptr<LiveExchange>> all_;
  std::map<uint64_t, Instant> unanswered_;
  std::vector<uint64_t> written_;  // since the last poll()
};

}  // namespace keelson::sim
