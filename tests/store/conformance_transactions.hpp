// Reads, transactions, role tokens, heartbeats, failovers.
#pragma once

#include "tests/store/conformance.hpp"

namespace keelson::store::conformance {

TEST_P(StoreConformance, GetReturnsWhatWasPutWithItsRevision) {
  EXPECT_EQ(get(key_of("a", "x")).code(), Code::not_found);
  const auto committed = commit(put_new(config("a", "x", "1", "u1")));
  ASSERT_TRUE(committed.ok());
  ASSERT_EQ(committed->objects.size(), 1u);
  EXPECT_EQ(committed->objects[0]->revision(), committed->revision);
  const auto got = get(key_of("a", "x"));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(value_of(*got), "1");
  EXPECT_EQ((*got)->revision(), committed->revision);
  EXPECT_EQ((*got)->uid(), "u1");
}

TEST_P(StoreConformance, RevisionsAreDenseOverAllKindsAndWrites) {
  const Revision start = current();
  EXPECT_EQ(commit(put(config("a", "x", "1", "u1")))->revision.value, start.value + 1);
  EXPECT_EQ(commit(put(lease("l", "me")))->revision.value, start.value + 2);
  std::vector<Write> writes;
  writes.push_back(put(config("a", "y", "1", "u2")));
  writes.push_back(removal(key_of("a", "x")));
  writes.push_back(put(config("b", "x", "1", "u3")));
  const auto committed = commit(transaction(std::move(writes)));
  ASSERT_TRUE(committed.ok());
  for (uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(committed->objects[i]->revision().value, start.value + 3 + i);
  }
  EXPECT_EQ(committed->revision.value, start.value + 5);
  EXPECT_EQ(committed->objects[1]->name(), "x");  // the removed object, at its removal
  EXPECT_EQ(current(), committed->revision);
  EXPECT_EQ(current().epoch, start.epoch);
}

TEST_P(StoreConformance, FailedTransactionsConsumeNoRevisionAndChangeNothing) {
  ASSERT_TRUE(commit(put_new(config("a", "x", "1", "u1"))).ok());
  const Revision before = current();
  std::vector<Write> writes;
  writes.push_back(put(config("a", "new", "1", "u2")));
  writes.push_back(removal(key_of("a", "x")));
  writes.push_back(put_new(config("a", "x", "2", "u3")));  // a second write of the same key
  EXPECT_EQ(commit(transaction(std::move(writes))).code(), Code::invalid);

  writes.clear();
  writes.push_back(put(config("a", "new", "1", "u2")));
  writes.push_back(put_new(config("a", "x", "2", "u3")));
  EXPECT_EQ(commit(transaction(std::move(writes))).code(), Code::exists);

  EXPECT_EQ(commit(transaction({})).code(), Code::invalid);
  EXPECT_EQ(get(key_of("a", "new")).code(), Code::not_found);
  EXPECT_EQ(value_of(*get(key_of("a", "x"))), "1");
  EXPECT_EQ(current(), before);
}

TEST_P(StoreConformance, RevisionPreconditionHoldsOnlyForTheCurrentRevision) {
  const Revision first = commit(put_new(config("a", "x", "1", "u1")))->revision;
  Write write = put(config("a", "x", "2", "u1"));
  write.revision = first;
  const auto second = commit(write);
  ASSERT_TRUE(second.ok());
  // The same request once more, as a network that duplicates would bring it.
  const auto again = commit(write);
  EXPECT_EQ(again.code(), Code::conflict);
  EXPECT_NE(again.error().message.find("a/x"), std::string::npos) << again.error().message;
  Write stale = removal(key_of("a", "x"));
  stale.revision = first;
  EXPECT_EQ(commit(stale).code(), Code::conflict);
  stale.revision = second->revision;
  EXPECT_TRUE(commit(stale).ok());
  EXPECT_EQ(commit(stale).code(), Code::not_found);
  EXPECT_EQ(commit(write).code(), Code::not_found);
}

TEST_P(StoreConformance, ChecksHoldATransactionBackAndConsumeNothing) {
  const Revision space = commit(put_new(config("a", "space", "1", "u1")))->revision;
  int n = 0;
  const auto write_if = [&](const Check& check) {
    Transaction t = transaction({put(config("a", "x", std::to_string(++n), "u2"))});
    t.checks.push_back(check);
    return commit(std::move(t));
  };
  RecordingSink sink;
  const Revision before = current();
  store().watch(before, sink);
  EXPECT_TRUE(write_if({key_of("a", "space"), false, space, "u1"}).ok());
  EXPECT_TRUE(write_if({key_of("a", "space")}).ok());
  const auto last = write_if({key_of("a", "nowhere"), true});
  ASSERT_TRUE(last.ok());
  EXPECT_EQ(last->objects.size(), 1u);
  EXPECT_EQ(last->revision, (Revision{before.epoch, before.value + 3}));
  ASSERT_EQ(sink.events.size(), 3u);
  for (const StoreEvent& event : sink.events) EXPECT_EQ(event.object->name(), "x");
  EXPECT_EQ((*get(key_of("a", "space")))->revision(), space);

  EXPECT_EQ(write_if({key_of("a", "space"), true}).code(), Code::exists);
  EXPECT_EQ(write_if({key_of("a", "space"), false, before, "u0"}).code(), Code::conflict);
  EXPECT_EQ(write_if({key_of("a", "nowhere")}).code(), Code::not_found);
  EXPECT_EQ(write_if({key_of("a", "nowhere"), false, space}).code(), Code::not_found);
  // The checked object has changed and is another now: neither is what the caller saw.
  const Revision changed = commit(put(config("a", "space", "2", "u1")))->revision;
  const auto stale = write_if({key_of("a", "space"), false, space});
  EXPECT_EQ(stale.code(), Code::conflict);
  EXPECT_NE(stale.error().message.find("a/space"), std::string::npos) << stale.error().message;
  EXPECT_TRUE(write_if({key_of("a", "space"), false, changed}).ok());
  ASSERT_TRUE(commit(removal(key_of("a", "space"))).ok());
  EXPECT_EQ(write_if({key_of("a", "space"), false, changed}).code(), Code::not_found);
  ASSERT_TRUE(commit(put_new(config("a", "space", "1", "u9"))).ok());
  EXPECT_EQ(write_if({key_of("a", "space"), false, {}, "u1"}).code(), Code::conflict);
  EXPECT_EQ(value_of(*get(key_of("a", "x"))), "9") << "refused transactions changed something";
}

TEST_P(StoreConformance, ChecksSeeTheStateBeforeTheTransaction) {
  ASSERT_TRUE(commit(put_new(config("a", "old", "1", "u1"))).ok());
  Transaction t =
      transaction({removal(key_of("a", "old")), put_new(config("a", "new", "1", "u2"))});
  t.checks = {{key_of("a", "old"), false, {}, "u1"}, {key_of("a", "new"), true}};
  EXPECT_TRUE(commit(t).ok());
}

TEST_P(StoreConformance, ChecksAloneAreNoTransaction) {
  ASSERT_TRUE(commit(put_new(config("a", "x", "1", "u1"))).ok());
  Transaction t = transaction({});
  t.checks.push_back({key_of("a", "x")});
  EXPECT_EQ(commit(t).code(), Code::invalid);
}

TEST_P(StoreConformance, UidPreconditionProtectsASuccessorOfTheSameName) {
  ASSERT_TRUE(commit(put_new(config("a", "x", "1", "old"))).ok());
  ASSERT_TRUE(commit(removal(key_of("a", "x"))).ok());
  ASSERT_TRUE(commit(put_new(config("a", "x", "1", "new"))).ok());
  Write write = removal(key_of("a", "x"));
  write.uid = "old";
  EXPECT_EQ(commit(write).code(), Code::conflict);
  write.uid = "new";
  EXPECT_TRUE(commit(write).ok());
  Write update = put(config("a", "x", "2", "new"));
  update.uid = "new";
  EXPECT_EQ(commit(update).code(), Code::not_found);
}

TEST_P(StoreConformance, CreateAndRemoveAreNotIdempotent) {
  ASSERT_TRUE(commit(put_new(config("a", "x", "1", "u1"))).ok());
  EXPECT_EQ(commit(put_new(config("a", "x", "1", "u1"))).code(), Code::exists);
  ASSERT_TRUE(commit(removal(key_of("a", "x"))).ok());
  EXPECT_EQ(commit(removal(key_of("a", "x"))).code(), Code::not_found);
}

TEST_P(StoreConformance, SameNameInOtherNamespacesAndKindsIsAnotherKey) {
  ASSERT_TRUE(commit(put_new(config("a", "x", "1", "u1"))).ok());
  ASSERT_TRUE(commit(put_new(config("b", "x", "2", "u2"))).ok());
  ASSERT_TRUE(commit(put_new(lease("x", "me"))).ok());
  ASSERT_TRUE(commit(removal(key_of("a", "x"))).ok());
  EXPECT_EQ(value_of(*get(key_of("b", "x"))), "2");
  EXPECT_TRUE(get({api::Kind::leases, "kube-system", "x"}).ok());
}

TEST_P(StoreConformance, OnlyTheCurrentTokenOfARoleMayWrite) {
  const auto fenced_write = [&](const std::string& role, uint64_t token) {
    Transaction t = transaction({});
    t.writes.push_back(put(config("a", "x", "by " + std::to_string(token), "u1")));
    t.fence = {role, token};
    return commit(std::move(t));
  };
  const auto take_over = [&](const std::string& holder) {
    Transaction t = transaction({});
    t.writes.push_back(put(lease("boss", holder)));
    t.grant_role = "kube-system/boss";
    return commit(std::move(t))->revision.value;
  };
  // Nobody has a role before it was granted, whatever token they claim.
  EXPECT_EQ(fenced_write("kube-system/boss", 0).code(), Code::fenced);
  const uint64_t first = take_over("one");
  EXPECT_TRUE(fenced_write("kube-system/boss", first).ok());
  EXPECT_EQ(fenced_write("kube-system/boss", first + 1).code(), Code::fenced);
  EXPECT_EQ(fenced_write("kube-system/other", first).code(), Code::fenced);

  ASSERT_TRUE(commit(put(lease("boss", "one"))).ok());  // a renewal does not change the token
  EXPECT_TRUE(fenced_write("kube-system/boss", first).ok());

  const uint64_t second = take_over("two");
  EXPECT_GT(second, first);
  const Revision before = current();
  EXPECT_EQ(fenced_write("kube-system/boss", first).code(), Code::fenced);
  EXPECT_EQ(current(), before);
  EXPECT_TRUE(fenced_write("kube-system/boss", second).ok());
  EXPECT_EQ(value_of(*get(key_of("a", "x"))), "by " + std::to_string(second));
}

TEST_P(StoreConformance, RolesAreIndependentAndOutliveTheirHistory) {
  const auto grant = [&](const std::string& name) {
    Transaction t = transaction({});
    t.writes.push_back(put(lease(name, "me")));
    t.grant_role = "kube-system/" + name;
    return commit(std::move(t))->revision.value;
  };
  const auto write_as = [&](const std::string& name, uint64_t token) {
    Transaction t = transaction({});
    t.writes.push_back(put(config("a", "x", "1", "u1")));
    t.fence = {"kube-system/" + name, token};
    return commit(std::move(t)).code();
  };
  const uint64_t one = grant("one");
  const uint64_t two = grant("two");
  EXPECT_EQ(write_as("one", one), Code::ok);
  EXPECT_EQ(write_as("one", two), Code::fenced);
  EXPECT_EQ(write_as("two", one), Code::fenced);
  compact(current());
  EXPECT_EQ(write_as("one", one), Code::ok);
  EXPECT_EQ(write_as("two", two), Code::ok);
}

TEST_P(StoreConformance, FencingIsJudgedBeforePreconditions) {
  Transaction t = transaction({});
  t.writes.push_back(removal(key_of("a", "missing")));
  t.fence = {"kube-system/boss", 1};
  EXPECT_EQ(commit(std::move(t)).code(), Code::fenced);
}

TEST_P(StoreConformance, TheTokenIsTheRevisionOfTheLastWriteOfTheGrant) {
  Transaction t = transaction({});
  t.writes.push_back(put(lease("boss", "one")));
  t.writes.push_back(put(config("a", "x", "1", "u1")));
  t.grant_role = "kube-system/boss";
  const auto granted = commit(std::move(t));
  ASSERT_TRUE(granted.ok());
  Transaction write = transaction({});
  write.writes.push_back(put(config("a", "x", "2", "u1")));
  write.fence = {"kube-system/boss", granted->objects[0]->revision().value};
  EXPECT_EQ(commit(write).code(), Code::fenced);
  write.fence.token = granted->revision.value;
  EXPECT_TRUE(commit(write).ok());
}

TEST_P(StoreConformance, ARefusedTransactionGrantsNoRole) {
  ASSERT_TRUE(commit(put(lease("boss", "one"))).ok());
  Transaction t = transaction({});
  t.writes.push_back(put_new(lease("boss", "two")));
  t.grant_role = "kube-system/boss";
  EXPECT_EQ(commit(std::move(t)).code(), Code::exists);
  Transaction write = transaction({});
  write.writes.push_back(put(config("a", "x", "2", "u1")));
  write.fence = {"kube-system/boss", current().value};
  EXPECT_EQ(commit(write).code(), Code::fenced);
}

TEST_P(StoreConformance, AFailoverStartsANewEpochAboveEverythingAndVoidsTokens) {
  ASSERT_TRUE(commit(put(config("a", "kept", "1", "u1"))).ok());
  Transaction grant = transaction({});
  grant.writes.push_back(put(lease("boss", "one")));
  grant.grant_role = "kube-system/boss";
  const Revision keep = commit(std::move(grant))->revision;
  ASSERT_TRUE(commit(put(config("a", "kept", "lost value", "u1"))).ok());
  ASSERT_TRUE(commit(put(config("a", "lost", "1", "u2"))).ok());
  const Revision head = current();
  RecordingSink sink;
  store().watch(head, sink);
  settle();
  if (!harness_->fail_over(keep)) GTEST_SKIP() << "this store cannot be made to fail over";
  settle();

  // A store that was away meanwhile may have said that first: whoever watches again learns the rest.
  EXPECT_TRUE(sink.closed == Code::compacted || sink.closed == Code::unavailable);
  EXPECT_TRUE(sink.events.empty());
  EXPECT_EQ(value_of(*get(key_of("a", "kept"))), "1");
  EXPECT_EQ(get(key_of("a", "lost")).code(), Code::not_found);
  EXPECT_EQ(current().epoch, keep.epoch + 1);
  EXPECT_GE(current().value, head.value);

  ListQuery old{api::Kind::config_maps};
  old.at = keep;
  EXPECT_EQ(list(old).code(), Code::compacted);
  // Nor may a watch go on from the old epoch, whether what it saw is lost or not.
  RecordingSink of_kept, of_lost;
  store().watch(keep, of_kept);
  store().watch(head, of_lost);
  settle();
  EXPECT_EQ(of_kept.closed, Code::compacted);
  EXPECT_EQ(of_lost.closed, Code::compacted);
  Transaction write = transaction({});
  write.writes.push_back(put(config("a", "x", "2", "u3")));
  write.fence = {"kube-system/boss", keep.value};
  EXPECT_EQ(commit(write).code(), Code::fenced);
  // An object of the old epoch can still be updated by whoever knows its revision.
  Write update = put(config("a", "kept", "2", "u1"));
  update.revision = (*get(key_of("a", "kept")))->revision();
  const Revision now = current();
  const auto updated = commit(update);
  ASSERT_TRUE(updated.ok());
  EXPECT_EQ(updated->revision, (Revision{now.epoch, now.value + 1}));
}

TEST_P(StoreConformance, BeatsAreReadInOrderOfRenewalAndOnlyOnce) {
  for (const char* name : {"n1", "n2", "n3"}) {
    api::Node node;
    node.mutable_metadata()->set_name(name);
    Write write;
    write.key = {api::Kind::nodes, "", name};
    write.object = api::make_object(std::move(node));
    ASSERT_TRUE(commit(write).ok());
  }
  const Revision before = current();
  const auto beat = [&](const std::string& node, uint64_t seq,
                        std::vector<api::PeerReport> reports = {}) {
    std::vector<api::Beat> beats;
    beats.push_back({node, seq, {}, std::move(reports)});
    EXPECT_TRUE(await<Unit>([&](auto done) { store().beat(beats, std::move(done)); }).ok());
  };
  const auto since = [&](uint64_t cursor) {
    return await<BeatPage>([&](auto done) { store().beats_since(cursor, std::move(done)); })
        .value();
  };
  const auto nodes = [](const BeatPage& page) {
    std::string text;
    for (const auto& b : page.beats) text += b.node + std::to_string(b.seq) + ' ';
    return text;
  };
  beat("n1", 1);
  beat("n2", 1);
  const BeatPage first = since(0);
  EXPECT_EQ(nodes(first), "n11 n21 ");
  EXPECT_EQ(nodes(since(first.cursor)), "");
  beat("n2", 2);
  beat("n1", 2);
  beat("n2", 3, {{"n9", 4, true}});
  beat("n2", 3, {{"n9", 4, true}});  // a duplicate
  const BeatPage second = since(first.cursor);
  EXPECT_GT(second.cursor, first.cursor);
  EXPECT_EQ(nodes(second), "n12 n23 ");
  // Reports survive later beats until they were read, and newer answers replace older ones.
  beat("n2", 4);
  beat("n2", 5, {{"n8", 1, false}, {"n9", 3, false}});
  const BeatPage third = since(second.cursor);
  ASSERT_EQ(nodes(third), "n25 ");
  ASSERT_EQ(third.beats[0].reports.size(), 2u);
  for (const auto& report : third.beats[0].reports) {
    EXPECT_EQ(report.reachable, report.node == "n9");
    EXPECT_EQ(report.round, report.node == "n9" ? 4u : 1u);
  }
  EXPECT_EQ(current(), before) << "heartbeats consume no revisions";
  // Only Nodes that exist have heartbeats, so strangers cannot fill the store.
  beat("stranger", 1);
  beat("n3", 1);
  EXPECT_EQ(nodes(since(third.cursor)), "n31 ");
  Write removal;
  removal.op = Write::Op::remove;
  removal.key = {api::Kind::nodes, "", "n3"};
  ASSERT_TRUE(commit(removal).ok());
  EXPECT_EQ(nodes(since(third.cursor)), "");
  EXPECT_EQ(nodes(since(0)), "n12 n25 ");
}

}  // namespace keelson::store::conformance
