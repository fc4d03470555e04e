#include "core/agent/witness_duty.hpp"

#include <algorithm>
#include <charconv>

namespace keelson::agent {

namespace {
// A single lost packet must not look like a dead node.
constexpr int kTries = 2;
}  // namespace

std::optional<uint64_t> asked_round(std::string_view question, std::string_view node) {
  uint64_t round = 0;
  const char* end = question.data() + question.size();
  const auto [rest, error] = std::from_chars(question.data(), end, round);
  if (error != std::errc()) return std::nullopt;
  question.remove_prefix(static_cast<std::size_t>(rest - question.data()));
  while (!question.empty()) {
    const std::size_t start = question.find_first_not_of(' ');
    if (start == question.npos) break;
    question.remove_prefix(start);
    const std::size_t length = std::min(question.find(' '), question.size());
    if (question.substr(0, length) == node) return round;
    question.remove_prefix(length);
  }
  return std::nullopt;
}

WitnessDuty::WitnessDuty(Context& context, client::PeerProber& prober,
                         std::function<void(api::PeerReport)> report)
    : context_(context),
      prober_(prober),
      report_(std::move(report)),
      informer_(context.loop, context.api, context.rng.fork("witness"),
                client::InformerOptions{
                    .kind = api::Kind::config_maps,
                    .ns = std::string(client::kWitnessNamespace),
                    .field_selector = "metadata.name=" + std::string(client::kWitnessConfigMap),
                    .user = context.options.user,
                    .actor = context.options.actor}) {
  informer_.on_change([this](const api::ObjectPtr&, const api::ObjectPtr& after) {
    if (after && after->name() == client::kWitnessConfigMap) {
      on_questions(after->as<api::ConfigMap>());
    }
  });
}

void WitnessDuty::on_questions(const api::ConfigMap& questions) {
  std::erase_if(taken_, [&](const auto& taken) { return !questions.data().contains(taken.first); });
  std::map<std::string, uint64_t> mine;
  for (const auto& [suspect, question] : questions.data()) {
    if (suspect == context_.options.node_name) continue;
    if (const auto round = asked_round(question, context_.options.node_name)) {
      mine[suspect] = *round;
    }
  }
  for (const auto& [suspect, round] : mine) {
    const auto [at, first] = taken_.try_emplace(suspect, round);
    if (!first && at->second == round) continue;
    at->second = round;
    probe(suspect, round, kTries);
  }
}

void WitnessDuty::probe(const std::string& node, uint64_t round, int tries) {
  prober_.probe(node, lifetime_.guard([this, node, round, tries](bool reachable) {
    if (!reachable && tries > 1) {
      probe(node, round, tries - 1);
      return;
    }
    report_({.node = node, .round = round, .reachable = reachable});
  }));
}

}  // namespace keelson::agent
