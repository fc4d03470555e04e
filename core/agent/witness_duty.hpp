// The agent as a witness: asked by the node lifecycle controller whether it can reach a silent
// node, it probes and answers. See core/client/witness.hpp.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "core/agent/context.hpp"
#include "core/client/informer.hpp"

namespace keelson::agent {

class WitnessDuty {
 public:
  WitnessDuty(Context& context, client::PeerProber& prober,
              std::function<void(api::PeerReport)> report);
  void start() { informer_.start(); }

 private:
  void on_questions(const api::ConfigMap& questions);
  void probe(const std::string& node, uint64_t round, int tries);

  Context& context_;
  client::PeerProber& prober_;
  std::function<void(api::PeerReport)> report_;
  client::Informer informer_;
  std::map<std::string, uint64_t> taken_;  // the newest round of each question that was taken up
  Lifetime lifetime_;
};

// "<round> <witness> <witness> ...": the round, if `node` is among the witnesses.
std::optional<uint64_t> asked_round(std::string_view question, std::string_view node);

}  // namespace keelson::agent
