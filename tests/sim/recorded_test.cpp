// The checks on recorded histories. The record is that of a simulated run, so what is right is known; then
// it is falsified in one place, and the invariant that this breaks must say so.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "sim/checks/recorded.hpp"
#include "sim/run/run.hpp"
#include "tests/support/builders.hpp"

namespace keelson::sim {
namespace {

constexpr const char* kStory = R"(
name: recorded
description: a rollout while leaders die
duration: 40s
cluster:
  pools:
    - {prefix: node-, count: 3}
timeline:
  - {at: 2s, do: run, name: kel, image: "nginx:1.7.9", port: 80, replicas: 4}
  - {at: 4s, do: expose, name: kel, port: 80}
  - {at: 10s, fault: leader-kill, role: controller-manager, for: 5s}
  - {at: 11s, do: set-image, name: kel, image: "nginx:1.8"}
  - {at: 30s, fault: leader-kill, role: scheduler, for: 2s}
  - {at: 31s, do: scale, name: kel, replicas: 6}
)";

WallTime moment(Duration elapsed) { return WallTime{1'000'000'000'000} + elapsed; }

// What a real cluster would have left of this run.
const Record& record() {
  static const Record made = [] {
    auto scenario = parse_scenario(kStory, "story", {});
    EXPECT_TRUE(scenario.ok()) << (scenario.ok() ? "" : scenario.error().message);
    Record record;
    record.facts = fact::whole | fact::provenance | fact::containers | fact::rest;
    RunOptions options;
    options.seed = 7;
    options.commits = [&](std::span<const store::StoreEvent> events, Duration elapsed) {
      RecordedTransaction transaction;
      for (const auto& event : events) {
        if (!transaction.writes.empty() && transaction.by != event.provenance) {
          record.moments.push_back({moment(elapsed), std::exchange(transaction, {})});
        }
        transaction.by = event.provenance;
        const api::ObjectPtr& subject = event.object ? event.object : event.previous;
        transaction.writes.push_back({event.op, event.revision, subject->key(), event.object});
      }
      record.moments.push_back({moment(elapsed), std::move(transaction)});
    };
    options.containers = [&](const std::string& node, const agent::ContainerInfo& info, bool started,
                             Duration elapsed) {
      record.moments.push_back({moment(elapsed), RecordedContainer{node, info, started}});
    };
    {
      Run run(*scenario, std::move(options));
      EXPECT_EQ(run.execute(), Verdict::held);
      record.moments.push_back({moment(run.elapsed()), RecordedRest{}});
    }
    // The end of the world takes all power away; that is no part of the story.
    const auto rest = std::find_if(record.moments.begin(), record.moments.end(), [](const Moment& m) {
      return std::holds_alternative<RecordedRest>(m.what);
    });
    record.moments.erase(std::next(rest), record.moments.end());
    return record;
  }();
  return made;
}

std::string broken(const Judgement& judgement) {
  std::string ids;
  for (const Violation& violation : judgement.violations) {
    if (ids.find(violation.invariant) != std::string::npos) continue;
    ids += (ids.empty() ? "" : " ") + violation.invariant;
  }
  return ids;
}
std::string told(const Judgement& judgement) {
  std::string text;
  for (const Violation& violation : judgement.violations) {
    text += violation.invariant + ": " + violation.what + " (" + violation.decision + ")\n";
  }
  for (const Pending& one : judgement.pending) text += one.invariant + ": " + one.object + one.why + "\n";
  return text;
}

template <class Kind>
std::vector<std::size_t> all_of(const Record& record) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < record.moments.size(); ++i) {
    if (std::holds_alternative<Kind>(record.moments[i].what)) found.push_back(i);
  }
  return found;
}

// Changes an object of the record.
template <class M, class Change>
void change(api::ObjectPtr& object, Change&& how) {
  auto copy = std::make_unique<M>(object->as<M>());
  how(*copy);
  object = std::make_shared<const api::Object>(object->kind(), api::MessagePtr(std::move(copy)),
                                               object->revision());
}

std::vector<RecordedWrite*> writes_of(Record& record, api::Kind kind) {
  std::vector<RecordedWrite*> found;
  for (Moment& moment : record.moments) {
    if (auto* transaction = std::get_if<RecordedTransaction>(&moment.what)) {
      for (RecordedWrite& write : transaction->writes) {
        if (write.key.kind == kind) found.push_back(&write);
      }
    }
  }
  return found;
}

TEST(Recorded, WhatTheSimulatorHeldRightIsRight) {
  const Judgement judgement = judge(record());
  EXPECT_TRUE(judgement.held()) << told(judgement);
  EXPECT_GT(judgement.writes, 100u);
  EXPECT_GT(judgement.containers, 8u);
  // Not by looking away.
  for (const char* id : {"ST-1", "ST-2", "ST-13", "LE-1", "SC-1", "SC-2", "SC-3", "RS-2", "RS-3",
                         "DP-1", "DP-2", "DP-5", "EP-2", "EP-3", "NA-1", "NA-2", "NA-3", "GL-3"}) {
    const auto one = std::find_if(judgement.judged.begin(), judgement.judged.end(),
                                  [&](const InvariantCount& count) { return count.id == id; });
    ASSERT_NE(one, judgement.judged.end()) << id;
    EXPECT_GT(one->evaluations, 0u) << id;
  }
}

TEST(Recorded, WhatCannotBeJudgedIsNamedWithTheReason) {
  const Judgement judgement = judge(record());
  EXPECT_EQ(judgement.judged.size() + judgement.not_applicable.size(), CheckSuite::all_invariants().size());
  std::string ids;
  for (const NotApplicable& one : judgement.not_applicable) {
    ids += std::string(one.id) + ' ';
    EXPECT_NE(one.why, "") << one.id;
  }
  EXPECT_NE(ids.find("SC-5 "), std::string::npos) << ids;
  EXPECT_NE(ids.find("LE-2 "), std::string::npos) << ids;
  // Without the agents' journals nothing is known of containers.
  Record blind = record();
  blind.facts &= ~fact::containers;
  const auto without = judge(std::move(blind)).not_applicable;
  EXPECT_TRUE(std::any_of(without.begin(), without.end(), [](const auto& one) {
    return one.id == "NA-1" && one.why == lack_of(fact::containers);
  }));
}

TEST(Recorded, ANodeThatIsOverCommittedBreaksSc1) {
  Record wrong = record();
  for (RecordedWrite* write : writes_of(wrong, api::Kind::pods)) {
    if (!write->object) continue;
    change<api::Pod>(write->object, [](api::Pod& pod) {
      auto& requests = *pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests();
      requests["cpu"].set_string("1000");
    });
  }
  EXPECT_NE(broken(judge(std::move(wrong))).find("SC-1"), std::string::npos);
}

TEST(Recorded, AWriteOfADeposedLeaderBreaksLe1) {
  Record wrong = record();
  api::Fence first;
  RecordedTransaction* last = nullptr;
  for (Moment& moment : wrong.moments) {
    auto* transaction = std::get_if<RecordedTransaction>(&moment.what);
    if (transaction == nullptr || !transaction->by || transaction->by->fence.role.empty()) continue;
    if (transaction->by->fence.role != "kube-system/controller-manager") continue;
    if (first.role.empty()) first = transaction->by->fence;
    last = transaction;
  }
  ASSERT_NE(last, nullptr);
  ASSERT_NE(last->by->fence.token, first.token) << "nobody was deposed";
  auto by = std::make_shared<store::Provenance>(*last->by);
  by->fence = first;
  last->by = by;
  EXPECT_EQ(broken(judge(std::move(wrong))), "LE-1");
}

TEST(Recorded, AContainerThatRunsTwiceBreaksNa1) {
  Record wrong = record();
  const auto containers = all_of<RecordedContainer>(wrong);
  Moment again = wrong.moments[containers.front()];
  ASSERT_TRUE(std::get<RecordedContainer>(again.what).started);
  std::get<RecordedContainer>(again.what).info.id += "-again";
  again.at = again.at + 1s;
  wrong.moments.push_back(again);
  EXPECT_NE(broken(judge(std::move(wrong))).find("NA-1"), std::string::npos);
}

TEST(Recorded, AContainerWithoutAPodBreaksNa1) {
  Record wrong = record();
  Moment stray = wrong.moments[all_of<RecordedContainer>(wrong).front()];
  auto& container = std::get<RecordedContainer>(stray.what);
  container.info.id = "stray";
  container.info.pod_uid = "nobody";
  wrong.moments.push_back(stray);
  EXPECT_EQ(broken(judge(std::move(wrong))), "NA-1");
}

TEST(Recorded, AContainerWhosePodStandsTwiceOnNodesBreaksNa1) {
  Record wrong = record();
  Moment there = wrong.moments[all_of<RecordedContainer>(wrong).front()];
  auto& container = std::get<RecordedContainer>(there.what);
  container.info.id += "-elsewhere";
  container.node = container.node == "node-1" ? "node-2" : "node-1";
  there.at = there.at + 1s;
  wrong.moments.push_back(there);
  EXPECT_NE(broken(judge(std::move(wrong))).find("NA-1"), std::string::npos);
}

// The end of the log is gone: what is left is in order, but somebody was told of what is not there.
TEST(Recorded, AnAcknowledgedWriteThatIsLostBreaksSt12) {
  Record wrong = record();
  wrong.facts &= ~fact::rest;
  const std::size_t last = all_of<RecordedTransaction>(wrong).back();
  const auto lost = std::get<RecordedTransaction>(wrong.moments[last].what).writes.back();
  const WallTime end = wrong.moments.back().at;
  wrong.moments.push_back({end, RecordedPromise{lost.key, {0, lost.revision.value}}});
  EXPECT_EQ(broken(judge(wrong)), "");
  wrong.moments.erase(wrong.moments.begin() + static_cast<std::ptrdiff_t>(last));
  EXPECT_EQ(broken(judge(wrong)), "ST-12");
}

// The same, but a new epoch has begun, which says so.
TEST(Recorded, ALossThatANewEpochTellsOfIsNone) {
  Record told = record();
  told.facts &= ~fact::rest;
  const std::size_t last = all_of<RecordedTransaction>(told).back();
  const auto lost = std::get<RecordedTransaction>(told.moments[last].what).writes.back();
  const WallTime end = told.moments.back().at;
  told.moments.erase(told.moments.begin() + static_cast<std::ptrdiff_t>(last));
  told.moments.push_back({end, RecordedPromise{lost.key, {0, lost.revision.value}}});
  RecordedTransaction later;
  later.writes.push_back({store::Write::Op::put, {2, lost.revision.value + (1 << 20)},
                          {api::Kind::config_maps, "default", "after"},
                          api::ObjectPtr(keelson::test::config_map("after"))->at({2, lost.revision.value + (1 << 20)})});
  told.moments.push_back({end, std::move(later)});
  const Judgement judgement = judge(std::move(told));
  EXPECT_EQ(broken(judgement), "") << ::keelson::sim::told(judgement);
}

TEST(Recorded, AWriteThatIsLostInTheMiddleBreaksSt2) {
  Record wrong = record();
  const auto transactions = all_of<RecordedTransaction>(wrong);
  wrong.moments.erase(wrong.moments.begin() + static_cast<std::ptrdiff_t>(transactions[transactions.size() / 2]));
  EXPECT_NE(broken(judge(std::move(wrong))).find("ST-2"), std::string::npos);
}

TEST(Recorded, WhatRemovesNothingBreaksSt1) {
  Record wrong = record();
  wrong.facts &= ~fact::rest;
  const auto& last = std::get<RecordedTransaction>(wrong.moments[all_of<RecordedTransaction>(wrong).back()].what);
  api::Revision next = last.writes.back().revision;
  ++next.value;
  RecordedTransaction remove;
  remove.writes.push_back({store::Write::Op::remove, next, {api::Kind::config_maps, "default", "none"}, nullptr});
  wrong.moments.push_back({wrong.moments.back().at, std::move(remove)});
  EXPECT_NE(broken(judge(std::move(wrong))).find("ST-1"), std::string::npos);
}

TEST(Recorded, ClocksThatDifferAreForgivenAsFarAsIsSaid) {
  Record late = record();
  // The nodes' clocks are a second behind.
  for (const std::size_t i : all_of<RecordedContainer>(late)) late.moments[i].at = late.moments[i].at + Duration{-1s};
  EXPECT_NE(broken(judge(late)).find("NA-1"), std::string::npos);
  late.skew = 2s;
  const Judgement forgiven = judge(late);
  EXPECT_EQ(broken(forgiven), "") << told(forgiven);
}

// A log that has been compacted: the second half alone, with what was there at its beginning.
TEST(Recorded, TheEndOfALongHistoryIsJudgedAsFarAsItGoes) {
  Record half;
  half.facts = record().facts & ~fact::whole & ~fact::containers;
  const auto transactions = all_of<RecordedTransaction>(record());
  const std::size_t cut = transactions[transactions.size() / 2];
  std::map<api::ObjectKey, api::ObjectPtr> before;
  for (std::size_t i = 0; i < record().moments.size(); ++i) {
    const Moment& moment = record().moments[i];
    const auto* transaction = std::get_if<RecordedTransaction>(&moment.what);
    if (i >= cut) {
      half.moments.push_back(moment);
    } else if (transaction != nullptr) {
      for (const RecordedWrite& write : transaction->writes) before[write.key] = write.object;
    }
  }
  for (const auto& [key, object] : before) {
    if (object) half.beginning.push_back(object);
  }
  const Judgement judgement = judge(half);
  EXPECT_TRUE(judgement.held()) << told(judgement);
  // Those that changed later are missing, too, as they would be in a store.
  std::erase_if(half.beginning, [&](const api::ObjectPtr& object) {
    const auto writes = writes_of(half, object->kind());
    return std::any_of(writes.begin(), writes.end(),
                       [&](const RecordedWrite* write) { return write->key == object->key(); });
  });
  const Judgement blind = judge(half);
  EXPECT_TRUE(blind.held()) << told(blind);
  half.moments.erase(half.moments.begin() + static_cast<std::ptrdiff_t>(half.moments.size() / 2));
  EXPECT_NE(broken(judge(half)).find("ST-2"), std::string::npos);
}

// Times that nobody told, or that cannot be, cost nothing and change nothing.
TEST(Recorded, TimesThatAreNoneDoNoHarm) {
  Record odd = record();
  const auto transactions = all_of<RecordedTransaction>(odd);
  for (std::size_t i = 0; i < transactions.size(); i += 5) {
    odd.moments[transactions[i]].at = i % 10 == 0 ? WallTime{} : WallTime{INT64_MAX - 1};
  }
  const Judgement judgement = judge(std::move(odd));
  EXPECT_TRUE(judgement.held()) << told(judgement);
  // A year of silence is not looked at second by second.
  Record late = record();
  late.facts &= ~fact::rest;
  for (std::size_t i = late.moments.size() / 2; i < late.moments.size(); ++i) late.moments[i].at = late.moments[i].at + 8760h;
  EXPECT_GT(judge(std::move(late)).writes, 100u);
}

TEST(Recorded, NothingIsNotHeld) {
  Record none;
  none.facts = fact::whole | fact::provenance;
  EXPECT_FALSE(judge(none).held());
  EXPECT_TRUE(judge(none).empty());
}

// The table in sim/checks/README.md is what the invariants say themselves.
TEST(Recorded, TheReadmeNamesWhatEachInvariantNeeds) {
  constexpr std::pair<Facts, const char*> kFacts[] = {
      {0, "history"}, {fact::whole, "whole"}, {fact::provenance, "provenance"},
      {fact::containers, "containers"}, {fact::beats, "beats"}, {fact::machines, "machines"},
      {fact::rest, "rest"}, {fact::asked, "asked"}, {fact::calls, "calls"}, {fact::memory, "memory"},
      {fact::traffic, "traffic"}, {fact::clock, "clock"}};
  std::ifstream in(KEELSON_SOURCE_DIR "/sim/checks/README.md");
  std::stringstream text;
  text << in.rdbuf();
  for (const auto& [bit, name] : kFacts) {
    std::set<std::string> ids;
    for (const InvariantInfo& info : CheckSuite::all_invariants()) {
      if (bit == 0 ? info.needs == 0 : (info.needs & bit) != 0) ids.emplace(info.id);
    }
    std::string wanted;
    for (const std::string& id : ids) wanted += id + ' ';
    const std::size_t row = text.str().find("\n| `" + std::string(name) + "` | ");
    ASSERT_NE(row, std::string::npos) << name << ": " << wanted;
    const std::string line = text.str().substr(row + 1, text.str().find('\n', row + 1) - row - 1);
    EXPECT_TRUE(line.ends_with("| " + wanted + "|")) << line << "\nby the program: " << wanted;
  }
}

}  // namespace
}  // namespace keelson::sim
