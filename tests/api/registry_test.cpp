#include <gtest/gtest.h>

#include <set>

#include "core/api/error.hpp"
#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "core/api/request.hpp"

namespace keelson::api {
namespace {

TEST(Kinds, AreReadFromTheDescriptors) {
  const KindInfo& deployments = info(Kind::deployments);
  EXPECT_EQ(deployments.api_version, "apps/v1");
  EXPECT_EQ(deployments.plural, "deployments");
  EXPECT_EQ(deployments.singular, "deployment");
  EXPECT_EQ(deployments.qualified, "deployments.apps");
  EXPECT_EQ(deployments.qualified_name, "Deployment.apps");
  EXPECT_TRUE(deployments.namespaced && deployments.has_status && deployments.has_scale);
  EXPECT_EQ(info(Kind::pods).qualified, "pods");
  EXPECT_EQ(info(Kind::pods).api_version, "v1");
  EXPECT_FALSE(info(Kind::nodes).namespaced);
  EXPECT_FALSE(info(Kind::config_maps).has_status);
  EXPECT_TRUE(info(Kind::replica_sets).has_scale);
  for (const Kind none : {Kind::pods, Kind::pod_disruption_budgets, Kind::services}) {
    EXPECT_FALSE(info(none).has_scale);
  }
}

TEST(Kinds, NamesAreUnique) {
  std::set<std::string> names;
  for (const KindInfo& kind : all_kinds()) {
    EXPECT_TRUE(names.insert(kind.plural).second) << kind.plural;
    for (const std::string& s : kind.short_names) EXPECT_TRUE(names.insert(s).second) << s;
    EXPECT_EQ(&info(kind.kind), &kind);
    EXPECT_EQ(find_kind(kind.api_version, kind.name), &kind);
  }
  EXPECT_EQ(all_kinds().size(), static_cast<std::size_t>(kind_count));
}

TEST(Kinds, AreFoundAsUsersTypeThem) {
  for (const char* typed : {"deployments", "deployment", "deploy", "Deployment", "DEPLOY",
                            "deployments.apps", "deploy.v1.apps", "deployments.v1.apps"}) {
    ASSERT_NE(find_resource(typed), nullptr) << typed;
    EXPECT_EQ(find_resource(typed)->kind, Kind::deployments);
  }
  EXPECT_EQ(find_resource("po")->kind, Kind::pods);
  EXPECT_EQ(find_resource("pods.v1.")->kind, Kind::pods);
  for (const char* unknown : {"", "pod.apps", "deployments.v2.apps", "jobs", "."}) {
    EXPECT_EQ(find_resource(unknown), nullptr) << unknown;
  }
}

TEST(ApiErrors, SayWhatAServerSays) {
  EXPECT_EQ(not_found(Kind::pods, "nope").message, "pods \"nope\" not found");
  EXPECT_EQ(not_found(Kind::deployments, "x").message, "deployments.apps \"x\" not found");
  EXPECT_EQ(already_exists(Kind::config_maps, "a").message, "configmaps \"a\" already exists");
  EXPECT_EQ(conflict_modified(Kind::config_maps, "a").message,
            "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; "
            "please apply your changes to the latest version and try again");
  EXPECT_EQ(forbidden(Kind::pods, "p", "no").message, "pods \"p\" is forbidden: no");
  EXPECT_FALSE(not_found(Kind::pods, "x").ok());
  EXPECT_TRUE(ApiError{}.ok());
}

TEST(ApiErrors, BecomeStatusObjects) {
  EXPECT_EQ(encode_message(to_status_message(not_found(Kind::deployments, "x"))),
            R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)"
            R"("deployments.apps \"x\" not found","reason":"NotFound","details":{"name":"x",)"
            R"("group":"apps","kind":"deployments"},"code":404})");
  EXPECT_EQ(encode_message(to_status_message(too_many_requests("busy", 3))),
            R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)"
            R"("busy","reason":"TooManyRequests","details":{"retryAfterSeconds":3},"code":429})");
  EXPECT_EQ(encode_message(to_status_message(ApiError{})),
            R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success"})");
}

TEST(Requests, CarryTheirPreconditions) {
  Pod pod;
  pod.mutable_metadata()->set_name("p");
  pod.mutable_metadata()->set_namespace_("ns");
  pod.mutable_metadata()->set_uid("u");
  const ObjectPtr object = make_object(pod, {2, 5});
  EXPECT_EQ(update(object).expected.revision, (Revision{2, 5}));
  EXPECT_FALSE(update(make_object(pod)).expected.revision.has_value());
  EXPECT_EQ(update_status(object).subresource, Subresource::status);
  EXPECT_EQ(remove(*object).expected.uid, "u");
  EXPECT_EQ(remove(*object).verb, Verb::remove);
  EXPECT_EQ(create(object).body, object->body());
  EXPECT_EQ(to_string(Verb::remove_collection), "deletecollection");
  EXPECT_EQ(to_string(WatchType::removed), "DELETED");
}

TEST(Times, AreFormattedInUtc) {
  constexpr int64_t second = 1'000'000'000;
  EXPECT_EQ(format_time({0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time({1'795'401'503 * second + 999}), "2026-11-23T02:38:23Z");
  EXPECT_EQ(format_micro_time({1'795'401'503 * second + 120'999}), "2026-11-23T02:38:23.000120Z");
  EXPECT_EQ(format_time({951'782'400 * second}), "2000-02-29T00:00:00Z");
  EXPECT_EQ(format_time({-1}), "1969-12-31T23:59:59Z");
  EXPECT_EQ(to_time({1'500 * second + 1}).seconds(), 1'500);
  EXPECT_EQ(to_time({1'500 * second + 1}).nanos(), 0);
  EXPECT_EQ(to_micro_time({second + 1'999}).nanos(), 1'000);
  EXPECT_EQ(to_wall(to_time({1'500 * second})), (WallTime{1'500 * second}));
}

}  // namespace
}  // namespace keelson::api
