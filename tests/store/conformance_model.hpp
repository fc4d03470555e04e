// Random transactions, lists, watches and compactions, compared with a model so simple that it can
// be checked by reading: every state of the store is kept whole. A failure names its seed.
#pragma once

#include <map>

#include "tests/store/conformance.hpp"

namespace keelson::store::conformance {

struct Model {
  struct Value {
    std::string text, uid;
    uint64_t revision = 0;
    friend bool operator==(const Value&, const Value&) = default;
  };
  using State = std::map<std::pair<std::string, std::string>, Value>;
  struct Change {
    Write::Op op{};
    std::pair<std::string, std::string> key;
  };

  State state;
  uint64_t revision = 0, compacted = 0, token = 0;
  std::map<uint64_t, State> states;    // after each revision
  std::map<uint64_t, Change> changes;  // of each revision

  template <class Precondition>
  static Code check(const Precondition& wanted, const Value& there) {
    if (wanted.absent) return Code::exists;
    if (wanted.revision && wanted.revision->value != there.revision) return Code::conflict;
    if (!wanted.uid.empty() && wanted.uid != there.uid) return Code::conflict;
    return Code::ok;
  }

  Code commit(const Transaction& t) {
    if (!t.fence.role.empty() && (token == 0 || t.fence.token != token)) return Code::fenced;
    for (const Write& w : t.writes) {
      const auto at = state.find({w.key.ns, w.key.name});
      const bool put = w.op == Write::Op::put;
      if (at == state.end()) {
        if (!put || w.revision || !w.uid.empty()) return Code::not_found;
        continue;
      }
      if (const Code code = check(w, at->second); code != Code::ok) return code;
    }
    for (const Check& c : t.checks) {
      const auto at = state.find({c.key.ns, c.key.name});
      if (at == state.end()) {
        if (!c.absent) return Code::not_found;
      } else if (const Code code = check(c, at->second); code != Code::ok) {
        return code;
      }
    }
    for (const Write& w : t.writes) {
      const std::pair<std::string, std::string> key{w.key.ns, w.key.name};
      ++revision;
      if (w.op == Write::Op::put) {
        state[key] = {value_of(w.object), w.object->uid(), revision};
      } else {
        state.erase(key);
      }
      states[revision] = state;
      changes[revision] = {w.op, key};
    }
    if (!t.grant_role.empty()) token = revision;
    return Code::ok;
  }
};

class StoreModel : public StoreConformance {
 protected:
  struct OpenList {
    ListQuery query;
    uint64_t at = 0;
    std::vector<ObjectPtr> objects;
  };
  struct OpenWatch {
    std::unique_ptr<RecordingSink> sink;
    Revision after;
  };

  void run(uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    harness_ = GetParam()();
    rng_ = Rng(seed);
    model_ = {};
    lists_.clear();
    watches_.clear();
    const Revision start = current();
    epoch_ = start.epoch;
    model_.revision = model_.compacted = start.value;
    model_.states[start.value] = {};
    for (int step = 0; step < 300 && !HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      const uint64_t dice = rng_.below(100);
      if (dice < 65) {
        write();
      } else if (dice < 85) {
        page();
      } else if (dice < 93) {
        open_watch();
      } else if (dice < 96) {
        compact_some();
      } else {
        check_state();
      }
    }
    settle();
    check_state();
    check_watches();
  }

  std::pair<std::string, std::string> random_key() {
    return {"ns" + std::to_string(rng_.below(3)), "name" + std::to_string(rng_.below(6))};
  }

  Check random_check() {
    const auto key = random_key();
    const auto known = model_.state.find(key);
    Check check{key_of(key.first, key.second)};
    if (known == model_.state.end()) {
      check.absent = rng_.chance(3, 4);
      return check;
    }
    check.absent = rng_.chance(1, 12);
    if (rng_.chance(1, 2)) {
      check.revision = Revision{epoch_, known->second.revision - (rng_.chance(1, 5) ? 1 : 0)};
    }
    if (rng_.chance(1, 3)) check.uid = rng_.chance(1, 5) ? "someone-else" : known->second.uid;
    return check;
  }

  void write() {
    Transaction t = transaction({});
    std::map<std::pair<std::string, std::string>, bool> used;
    const uint64_t count = 1 + rng_.below(3);
    for (uint64_t i = 0; i < count; ++i) {
      const auto key = random_key();
      if (!used.emplace(key, true).second) continue;
      const auto known = model_.state.find(key);
      Write w = removal(key_of(key.first, key.second));
      if (rng_.chance(3, 4)) {
        const bool same = known != model_.state.end() && rng_.chance(3, 4);
        const std::string uid = same ? known->second.uid : "uid" + std::to_string(++last_);
        w = put(config(key.first, key.second, "v" + std::to_string(++last_), uid));
        w.absent = known == model_.state.end() ? rng_.chance(1, 2) : rng_.chance(1, 12);
      }
      if (known != model_.state.end() && rng_.chance(1, 3)) {
        w.revision = Revision{epoch_, known->second.revision - (rng_.chance(1, 5) ? 1 : 0)};
      }
      if (known != model_.state.end() && rng_.chance(1, 4)) {
        w.uid = rng_.chance(1, 5) ? "someone-else" : known->second.uid;
      }
      t.writes.push_back(std::move(w));
    }
    if (rng_.chance(1, 4)) t.checks.push_back(random_check());
    if (rng_.chance(1, 6)) {
      t.fence = {"kube-system/boss", rng_.chance(1, 3) ? model_.token + 1 : model_.token};
    }
    if (rng_.chance(1, 10)) t.grant_role = "kube-system/boss";
    const Code expected = model_.commit(t);
    const auto committed = commit(t);
    ASSERT_EQ(committed.code(), expected);
    if (committed.ok()) {
      ASSERT_EQ(committed->revision, (Revision{epoch_, model_.revision}));
    }
  }

  void expect_equal(const std::vector<ObjectPtr>& objects, const Model::State& state,
                    const std::string& ns) {
    std::vector<std::pair<std::pair<std::string, std::string>, Model::Value>> got, want;
    for (const auto& o : objects) {
      got.push_back({{o->ns(), o->name()}, {value_of(o), o->uid(), o->revision().value}});
    }
    for (const auto& [key, value] : state) {
      if (ns.empty() || key.first == ns) want.push_back({key, value});
    }
    EXPECT_TRUE(got == want) << "lists differ: " << got.size() << " and " << want.size();
  }

  // Starts a paged list or continues one, so that lists and writes interleave.
  void page() {
    std::size_t chosen = lists_.empty() ? 0 : rng_.below(lists_.size());
    if (lists_.empty() || rng_.chance(1, 3)) {
      chosen = lists_.size();
      OpenList fresh{{api::Kind::config_maps, rng_.chance(1, 2) ? "" : "ns1",
                      static_cast<int64_t>(1 + rng_.below(4))}};
      fresh.at = model_.revision;
      lists_.push_back(std::move(fresh));
    }
    OpenList& open = lists_[chosen];
    const auto got = list(open.query);
    if (open.at < model_.compacted) {
      EXPECT_EQ(got.code(), Code::compacted);
      lists_.erase(lists_.begin() + static_cast<std::ptrdiff_t>(chosen));
      return;
    }
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_EQ(got->revision, (Revision{epoch_, open.at}));
    open.objects.insert(open.objects.end(), got->objects.begin(), got->objects.end());
    EXPECT_EQ(got->more, got->remaining > 0);
    if (got->more) {
      open.query.at = got->revision;
      open.query.start_after = got->last;
      return;
    }
    expect_equal(open.objects, model_.states[open.at], open.query.ns);
    lists_.erase(lists_.begin() + static_cast<std::ptrdiff_t>(chosen));
  }

  void open_watch() {
    const uint64_t span = model_.revision - model_.compacted;
    const Revision after{epoch_, model_.compacted + rng_.below(span + 1)};
    watches_.push_back({std::make_unique<RecordingSink>(), after});
    store().watch(after, *watches_.back().sink);
    settle();
  }

  void compact_some() {
    const uint64_t span = model_.revision - model_.compacted;
    const uint64_t to = model_.compacted + rng_.below(span / 2 + 1);
    compact({epoch_, to});
    model_.compacted = to;
  }

  void check_state() {
    const auto all = list({api::Kind::config_maps});
    ASSERT_TRUE(all.ok());
    expect_equal(all->objects, model_.state, "");
    EXPECT_EQ(current(), (Revision{epoch_, model_.revision}));
  }

  // Each watch, from wherever it began, is the whole history from there on.
  void check_watches() {
    for (const OpenWatch& open : watches_) {
      ASSERT_FALSE(open.sink->closed);
      ASSERT_EQ(open.sink->events.size(), model_.revision - open.after.value);
      uint64_t value = open.after.value;
      for (const StoreEvent& event : open.sink->events) {
        ++value;
        const Model::Change& change = model_.changes.at(value);
        ASSERT_EQ(event.revision, (Revision{epoch_, value}));
        ASSERT_EQ(event.op, change.op);
        const Model::State& before = model_.states.at(value - 1);
        const Model::State& after = model_.states.at(value);
        ASSERT_EQ(event.previous != nullptr, before.count(change.key) == 1);
        if (event.previous) {
          ASSERT_EQ(value_of(event.previous), before.at(change.key).text);
          ASSERT_EQ(event.previous->revision().value, before.at(change.key).revision);
        }
        if (event.object) {
          ASSERT_EQ(value_of(event.object), after.at(change.key).text);
        }
      }
    }
  }

  Rng rng_{0};
  Model model_;
  uint64_t epoch_ = 0, last_ = 0;
  std::vector<OpenList> lists_;
  std::vector<OpenWatch> watches_;
};

TEST_P(StoreModel, AgreesOnRandomHistories) {
  for (uint64_t seed = 1; seed <= 40 && !HasFailure(); ++seed) run(seed);
}

}  // namespace keelson::store::conformance
