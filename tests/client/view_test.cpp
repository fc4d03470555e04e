#include "core/client/view.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/base/rng.hpp"

namespace keelson::client {
namespace {

struct PodSpec {
  std::string ns = "n", name, app, owner, node;
  bool controller = true;
};
api::ObjectPtr pod(const PodSpec& spec) {
  api::Pod made;
  made.mutable_metadata()->set_namespace_(spec.ns);
  made.mutable_metadata()->set_name(spec.name);
  made.mutable_metadata()->set_uid("uid-" + spec.ns + spec.name);
  if (!spec.app.empty()) (*made.mutable_metadata()->mutable_labels())["app"] = spec.app;
  (*made.mutable_metadata()->mutable_labels())["all"] = "yes";
  if (!spec.owner.empty()) {
    auto& owner = *made.mutable_metadata()->add_owner_references();
    owner.set_uid(spec.owner);
    if (spec.controller) owner.set_controller(true);
  }
  made.mutable_spec()->set_node_name(spec.node);
  return api::make_object(std::move(made));
}
std::string names(const std::vector<api::ObjectPtr>& objects) {
  std::string text;
  for (const auto& object : objects) text += object->ns() + '/' + object->name() + ' ';
  return text;
}
api::LabelSelectorMatcher selector(const std::string& text) {
  return api::LabelSelectorMatcher::parse(text).value();
}

TEST(Cache, ListsByNamespaceInOrder) {
  Cache cache;
  for (const auto& [ns, name] : std::vector<std::pair<std::string, std::string>>{
           {"b", "x"}, {"a", "y"}, {"a", "x"}, {"a-b", "x"}, {"c", "x"}}) {
    cache.apply(nullptr, pod({.ns = ns, .name = name}));
  }
  EXPECT_EQ(names(cache.list(api::Kind::pods)), "a/x a/y a-b/x b/x c/x ");
  EXPECT_EQ(names(cache.list(api::Kind::pods, "a")), "a/x a/y ");
  EXPECT_EQ(names(cache.list(api::Kind::nodes)), "");
  EXPECT_EQ(cache.size(api::Kind::pods), 5u);
  EXPECT_EQ(cache.get(api::Kind::pods, "b", "x")->ns(), "b");
  EXPECT_EQ(cache.get(api::Kind::pods, "b", "y"), nullptr);
  EXPECT_EQ(cache.get(api::Kind::nodes, "b", "x"), nullptr);
}

TEST(Cache, VisitStopsWhenToldTo) {
  Cache cache;
  for (const char* name : {"a", "b", "c"}) cache.apply(nullptr, pod({.name = name}));
  std::string seen;
  cache.visit(api::Kind::pods, "n", [&](const api::ObjectPtr& object) {
    seen += object->name();
    return object->name() != "b";
  });
  EXPECT_EQ(seen, "ab");
}

TEST(Cache, OrphansAreThoseThatNobodyControls) {
  Cache cache;
  const auto orphan = pod({.name = "a", .app = "web"});
  cache.apply(nullptr, orphan);
  cache.apply(nullptr, pod({.name = "b", .app = "web", .owner = "rs1"}));
  cache.apply(nullptr, pod({.name = "c", .app = "db"}));
  const auto orphans = [&](const std::string& text) {
    return names(cache.select_orphans(api::Kind::pods, "n", selector(text)));
  };
  EXPECT_EQ(orphans("app=web"), "n/a ");
  EXPECT_EQ(orphans("app in (web,db)"), "n/a n/c ");
  EXPECT_EQ(orphans("app=none"), "");
  const auto adopted = pod({.name = "a", .app = "web", .owner = "rs1"});
  cache.apply(orphan, adopted);
  EXPECT_EQ(orphans("app=web"), "");
  cache.apply(adopted, orphan);
  EXPECT_EQ(orphans("app=web"), "n/a ");
  cache.apply(orphan, nullptr);
  EXPECT_EQ(orphans("app=web"), "");
}

TEST(Cache, IndexesFollowChanges) {
  Cache cache;
  auto a = pod({.name = "a", .app = "web", .owner = "rs1"});
  cache.apply(nullptr, a);
  cache.apply(nullptr, pod({.name = "b", .app = "web", .owner = "rs1", .node = "n1"}));
  EXPECT_EQ(names(cache.owned_by(api::Kind::pods, "rs1")), "n/a n/b ");
  EXPECT_EQ(names(cache.pods_on("n1")), "n/b ");
  EXPECT_EQ(names(cache.pods_on("")), "n/a ");

  auto bound = pod({.name = "a", .app = "db", .owner = "rs2", .node = "n1"});
  cache.apply(a, bound);
  EXPECT_EQ(names(cache.owned_by(api::Kind::pods, "rs1")), "n/b ");
  EXPECT_EQ(names(cache.owned_by(api::Kind::pods, "rs2")), "n/a ");
  EXPECT_EQ(names(cache.pods_on("n1")), "n/a n/b ");
  EXPECT_EQ(names(cache.pods_on("")), "");
  EXPECT_EQ(names(cache.select(api::Kind::pods, "n", selector("app=web"))), "n/b ");
  EXPECT_EQ(names(cache.select(api::Kind::pods, "n", selector("app=db"))), "n/a ");
  EXPECT_EQ(cache.pods_on("n1")[0], bound);

  cache.apply(bound, nullptr);
  EXPECT_EQ(cache.get(api::Kind::pods, "n", "a"), nullptr);
  EXPECT_EQ(names(cache.owned_by(api::Kind::pods, "rs2")), "");
  EXPECT_EQ(names(cache.pods_on("n1")), "n/b ");
  EXPECT_EQ(names(cache.select(api::Kind::pods, "n", selector("all=yes"))), "n/b ");
  cache.apply(bound, nullptr);  // twice does no harm
  EXPECT_EQ(cache.size(api::Kind::pods), 1u);
}

TEST(Cache, OwnersThatDoNotControlCountOnlyAsDependents) {
  Cache cache;
  cache.apply(nullptr, pod({.name = "a", .owner = "x"}));
  cache.apply(nullptr, pod({.name = "b", .owner = "x", .controller = false}));
  api::ReplicaSet set;
  set.mutable_metadata()->set_namespace_("n");
  set.mutable_metadata()->set_name("rs");
  auto& owner = *set.mutable_metadata()->add_owner_references();
  owner.set_uid("x");
  owner.set_controller(true);
  cache.apply(nullptr, api::make_object(std::move(set)));
  EXPECT_EQ(names(cache.owned_by(api::Kind::pods, "x")), "n/a ");
  EXPECT_EQ(names(cache.owned_by(api::Kind::replica_sets, "x")), "n/rs ");
  EXPECT_EQ(names(cache.dependents("x")), "n/rs n/a n/b ");  // by kind, namespace, name
}

TEST(Cache, SelectsByAnySelector) {
  Cache cache;
  cache.apply(nullptr, pod({.name = "a", .app = "web"}));
  cache.apply(nullptr, pod({.name = "b", .app = "db"}));
  cache.apply(nullptr, pod({.name = "c"}));
  cache.apply(nullptr, pod({.ns = "m", .name = "a", .app = "web"}));
  const auto select = [&](const std::string& text, const std::string& ns = "n") {
    return names(cache.select(api::Kind::pods, ns, selector(text)));
  };
  EXPECT_EQ(select("app=web"), "n/a ");
  EXPECT_EQ(select("app=web", ""), "m/a n/a ");
  EXPECT_EQ(select("app=nothing"), "");
  EXPECT_EQ(select("app in (web,db)"), "n/a n/b ");
  EXPECT_EQ(select("app!=web"), "n/b n/c ");
  EXPECT_EQ(select("!app"), "n/c ");
  EXPECT_EQ(select("all=yes,app=db"), "n/b ");
  EXPECT_EQ(select("all=yes,app!=db"), "n/a n/c ");
  EXPECT_EQ(select(""), "n/a n/b n/c ");
  EXPECT_EQ(names(cache.select(api::Kind::pods, "n", api::LabelSelectorMatcher::nothing())), "");
}

// Random changes; every index must equal a filter over everything.
TEST(Cache, IndexesEqualFullScans) {
  Rng rng(5);
  Cache cache;
  std::map<std::pair<std::string, std::string>, api::ObjectPtr> all;
  const auto random = [&](const char* prefix, uint64_t n) {
    return prefix + std::to_string(rng.below(n));
  };
  for (int step = 0; step < 5000; ++step) {
    PodSpec spec{random("ns", 2),
                 random("p", 30),
                 random("app", 3),
                 random("rs", 4),
                 rng.chance(1, 3) ? "" : random("node", 4),
                 rng.chance(3, 4)};
    auto& place = all[{spec.ns, spec.name}];
    const api::ObjectPtr after = place && rng.chance(1, 3) ? nullptr : pod(spec);
    if (place || after) cache.apply(place, after);
    place = after;
    if (!place) all.erase({spec.ns, spec.name});
    if (step % 50 != 0) continue;
    for (int i = 0; i < 4; ++i) {
      const std::string owner = "rs" + std::to_string(i), node = "node" + std::to_string(i);
      std::string owned, on, labelled;
      for (const auto& [key, object] : all) {
        const auto& body = object->as<api::Pod>();
        const auto& ref = body.metadata().owner_references(0);
        const std::string text = key.first + '/' + key.second + ' ';
        if (ref.uid() == owner && ref.controller()) owned += text;
        if (body.spec().node_name() == node) on += text;
        if (key.first == "ns1" && object->meta().labels().at("app") == "app1") labelled += text;
      }
      ASSERT_EQ(names(cache.owned_by(api::Kind::pods, owner)), owned);
      ASSERT_EQ(names(cache.pods_on(node)), on);
      ASSERT_EQ(names(cache.select(api::Kind::pods, "ns1", selector("app=app1"))), labelled);
    }
    ASSERT_EQ(cache.size(api::Kind::pods), all.size());
  }
}

TEST(View, RecordsWhatWasReadAtWhichRevision) {
  Cache cache;
  cache.apply(nullptr, pod({.name = "a", .app = "web", .owner = "rs", .node = "n1"}));
  cache.advance(api::Kind::pods, {1, 7});
  cache.advance(api::Kind::pods, {1, 5});  // never backwards
  cache.advance(api::Kind::replica_sets, {1, 9});
  View view(cache, Instant{}, WallTime{});
  EXPECT_FALSE(view.basis().of(api::Kind::pods));
  EXPECT_EQ(view.get<api::Pod>("n", "a").name(), "a");
  EXPECT_FALSE(view.get<api::Pod>("n", "b"));
  EXPECT_EQ(view.basis().of(api::Kind::pods), (api::Revision{1, 7}));
  EXPECT_FALSE(view.basis().of(api::Kind::replica_sets))
      << "reading one kind is not reading another";
  EXPECT_EQ(view.select<api::Pod>("n", selector("app=web")).size(), 1u);
  EXPECT_EQ(view.owned_by<api::Pod>("rs").size(), 1u);
  EXPECT_EQ(view.pods_on("n1").size(), 1u);
  EXPECT_EQ(view.dependents("rs").size(), 1u);
  EXPECT_EQ(view.basis().of(api::Kind::replica_sets), (api::Revision{1, 9}));
}

}  // namespace
}  // namespace keelson::client
