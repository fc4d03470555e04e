#include "core/controllers/suspicion.hpp"

#include <algorithm>

#include "core/base/hash.hpp"

namespace keelson::controllers {

bool Inquiry::answer(const std::string& witness, const api::PeerReport& report) {
  if (phase != Phase::asking || report.round != round) return false;
  for (Witness& w : witnesses) {
    if (w.node != witness) continue;
    if (w.answer != Witness::Answer::none) return false;
    w.answer = report.reachable ? Witness::Answer::reached : Witness::Answer::unreached;
    return true;
  }
  return false;
}

std::string Inquiry::question() const {
  std::string text = std::to_string(round);
  for (const Witness& w : witnesses) text.append(" ").append(w.node);
  return text;
}

uint32_t Inquiry::unreached() const {
  return static_cast<uint32_t>(
      std::count_if(witnesses.begin(), witnesses.end(), [](const Witness& w) {
        return w.answer == Witness::Answer::unreached;
      }));
}

Finding weigh(const Inquiry& inquiry, bool foreign_only, const NodeTiming& timing,
              Duration observed_now) {
  bool complete = true;
  uint32_t against = 0;
  for (const Witness& w : inquiry.witnesses) {
    if (w.answer == Witness::Answer::reached) return Finding::reached;
    if (w.answer == Witness::Answer::none) {
      complete &= w.lost;
    } else if (w.foreign || !foreign_only) {
      ++against;
    }
  }
  // The last witness may still be the one that reaches the node: wait for it while there is time.
  if (!complete && observed_now - inquiry.asked_at < timing.answer_timeout) return Finding::wait;
  return against >= timing.witness_quorum ? Finding::dead : Finding::ask_again;
}

Duration rest_after(const Inquiry& inquiry, const NodeTiming& timing) {
  constexpr uint32_t kQuickRounds = 3, kMostDoublings = 3;
  if (inquiry.reached > 0) {
    return timing.recheck_after * (1 << std::min(inquiry.reached - 1, kMostDoublings));
  }
  if (inquiry.fruitless < kQuickRounds) return Duration::zero();
  return timing.recheck_after * (1 << std::min(inquiry.fruitless - kQuickRounds, kMostDoublings));
}

std::vector<Witness> WitnessPool::choose(const std::string& suspect, const std::string& zone,
                                         uint64_t round, uint32_t count,
                                         bool foreign_only) const {
  const uint64_t seed = hash_combine(hash_bytes(suspect), round);
  // Other zones first, starting at a different one for each suspect, then its own.
  struct Lane {
    const std::vector<std::string>* nodes;
    std::size_t at;
    bool foreign;
  };
  std::vector<Lane> lanes;
  for (const auto& [name, nodes] : zones_) {
    if (name == zone) continue;
    lanes.push_back({&nodes, hash_u64(hash_bytes(name, seed)) % nodes.size(), true});
  }
  if (!lanes.empty()) {
    const auto start = static_cast<std::ptrdiff_t>(seed % lanes.size());
    std::rotate(lanes.begin(), lanes.begin() + start, lanes.end());
  }
  if (auto own = zones_.find(zone); own != zones_.end() && !foreign_only) {
    lanes.push_back({&own->second, hash_u64(hash_bytes(zone, seed)) % own->second.size(), false});
  }

  std::vector<Witness> chosen;
  for (std::size_t step = 0; chosen.size() < count; ++step) {
    bool any = false;
    for (const Lane& lane : lanes) {
      if (step >= lane.nodes->size() || chosen.size() >= count) continue;
      chosen.push_back({(*lane.nodes)[(lane.at + step) % lane.nodes->size()], lane.foreign});
      any = true;
    }
    if (!any) break;
  }
  return chosen;
}

}  // namespace keelson::controllers
