// What a real cluster has left of its history, and the checks on it: the same suite that watches the
// simulated world, fed with the log of the store, the journals of the agents, and what whoever played the
// cluster knows of its machines.
//
//   Record record;                       // filled by tools/cli/real from files or a live store
//   Judgement judgement = judge(record);
//
// **Time.** Each moment carries the wall clock of who noted it: the API server's shortly before it sent a
// transaction, the container runtime's for starts and ends. Commits are in the order of their revisions,
// whatever the clocks say; everything else is put among them by time. Clocks of several machines differ:
// within `skew` a container that seems to have started before its pod was bound started after it, and
// one that seems to have ended after its agent removed the pod ended before. (Causes come before effects;
// with hosts on one machine there is nothing to forgive, and `skew` is zero.) Where a commit's time is not
// told, or is none (before 1970, after 2096), the next that is known stands for it. Within long silences
// the checks look at the clock in the first ten minutes only, and at the end.
//
// **Beginning.** A log that has been compacted begins in the middle. What was there then is shown to the
// checks as if it were created, without any judgement, and invariants that need the whole history are not
// applicable.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "sim/checks/suite.hpp"

namespace keelson::sim {

struct RecordedWrite {
  store::Write::Op op{};
  api::Revision revision;
  api::ObjectKey key;
  api::ObjectPtr object;  // null: it was removed
};
struct RecordedTransaction {
  std::vector<RecordedWrite> writes;  // in the order of their revisions
  store::ProvenancePtr by;            // may be null
};
// The start or the end of a container, as its agent has noted it.
struct RecordedContainer {
  std::string node;
  agent::ContainerInfo info;
  bool started = false;
};
struct RecordedAgent {
  std::string node;  // a new agent began there: the one before it is gone
};
struct RecordedMachine {
  std::string node;
  bool powered = true, reachable = true;
};
// A client was told that this write had happened. Clients know no epochs: where it is zero, it is that of
// the history at this number.
struct RecordedPromise {
  api::ObjectKey key;
  api::Revision revision;
};
struct RecordedRest {};  // the faults were over, and everything had settled

struct Moment {
  WallTime at;
  std::variant<RecordedTransaction, RecordedContainer, RecordedAgent, RecordedMachine, api::Beat,
               RecordedPromise, RecordedRest>
      what;
};

struct Record {
  Facts facts = 0;
  bool kubernetes_profile = false;
  Duration skew{};
  std::vector<api::ObjectPtr> beginning;  // what was there and has not changed since
  std::vector<Moment> moments;            // in any order, but for commits
  // What is wrong with the log itself, before anybody looks at what it says: a broken chain.
  std::vector<std::string> damage;
  // By node: its journal tells of no later time than this; what ran then may have ended since.
  std::map<std::string, WallTime> told_until;
  uint64_t hashes = 0;  // so many entries were compared with their hashes
};

struct NotApplicable {
  std::string_view id, statement, why;
};
struct Judgement {
  std::vector<Violation> violations;
  std::vector<InvariantCount> judged;
  std::vector<NotApplicable> not_applicable;
  // What had not converged in the end; empty without fact::rest.
  std::vector<Pending> pending;
  uint64_t writes = 0, containers = 0;
  // Where nothing was judged nothing has held.
  bool empty() const {
    return violations.empty() && std::all_of(judged.begin(), judged.end(), [](const InvariantCount& one) {
             return one.evaluations == 0;
           });
  }
  bool held() const { return !empty() && violations.empty() && pending.empty(); }
};

Judgement judge(Record record);

}  // namespace keelson::sim
