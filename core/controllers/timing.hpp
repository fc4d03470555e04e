// How long node health waits, and how fast it may act: two named profiles. The README compares
// them.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/time.hpp"

namespace keelson::controllers {

// A token bucket: one token per `interval`, at most `burst` saved up. A zero interval means
// stopped.
struct EvictionPace {
  Duration interval{};
  uint32_t burst = 1;
};

struct NodeTiming {
  std::string_view name;

  // Agents renew their heartbeat this often. (Read by whoever wires agents.)
  Duration heartbeat_period{};
  // The controller reads heartbeats this often; faster while a suspicion is being settled.
  Duration poll_period{};
  Duration fast_poll_period{};
  // Silence after which a node becomes Unknown whatever witnesses say.
  Duration grace = 40s;
  // The same for a node that has never posted a status.
  Duration startup_grace = 60s;
  // Polls further apart than this leave a gap in what was observed; the excess counts against
  // nobody.
  Duration observation_gap{};
  // A gap this long makes all that was known about silence worthless: every node starts afresh.
  Duration blackout{};
  // What admission gives pods as tolerationSeconds for not-ready and unreachable.
  int64_t default_toleration_seconds = 300;

  // Witnesses: off means that silence alone decides, as in Kubernetes.
  bool witnesses = false;
  Duration suspect_after{};   // silence after which witnesses are asked
  Duration answer_timeout{};  // unanswered questions are asked anew, of others
  Duration recheck_after{};   // a silent node that a witness reached is asked about again
  uint32_t witness_count = 3;
  uint32_t witness_quorum = 2;

  // How fast nodes may get a NoExecute taint, per zone. `normal` also holds in a zone without any
  // ready node; `partial` in a zone of more than `large_zone` nodes of which 55 % are not ready,
  // and in a smaller one nothing is tainted at all.
  // Source: kube-controller-manager's defaults (node-eviction-rate, secondary-node-eviction-rate,
  // large-cluster-size-threshold).
  EvictionPace normal{10s, 1};
  EvictionPace partial{100s, 1};
  uint32_t large_zone = 50;
  // The same for nodes that witnesses have declared dead. There the evidence is strong and whole
  // racks die at once, so the pace is that of the API server, not that of caution.
  EvictionPace dead{50ms, 100};
};

// Kubernetes' timers: about 340 s until the pods of a dead node are replaced.
constexpr NodeTiming kubernetes_timing() {
  NodeTiming t;
  t.name = "kubernetes";
  t.heartbeat_period = 10s;
  t.poll_period = 5s;
  t.fast_poll_period = 5s;
  t.observation_gap = 12s;
  t.blackout = 30s;
  t.suspect_after = t.grace;
  return t;
}

// Keelson's default: about 8 s, because witnesses tell a dead node from a silent one.
constexpr NodeTiming keelson_timing() {
  NodeTiming t;
  t.name = "keelson";
  t.heartbeat_period = 3s;
  t.poll_period = 1s;
  t.fast_poll_period = 250ms;
  t.observation_gap = 2500ms;
  t.blackout = 5s;
  t.witnesses = true;
  t.suspect_after = 7s;
  t.answer_timeout = 4s;  // a witness probes twice, for a second each
  t.recheck_after = 10s;
  return t;
}

// "kubernetes" or "keelson"; a profile with an empty name if there is none such.
constexpr NodeTiming node_timing(std::string_view profile) {
  if (profile == "kubernetes") return kubernetes_timing();
  if (profile == "keelson") return keelson_timing();
  return {};
}

}  // namespace keelson::controllers
