// POST pods/x/eviction: what disruption budgets allow (PD-1..PD-3).
#include "tests/apiserver/fixture.hpp"

namespace keelson::test {
namespace {

class EvictionTest : public ApiServerTest {
 protected:
  Request eviction(const std::string& pod) {
    auto body = std::make_shared<api::Eviction>();
    body->mutable_metadata()->set_name(pod);
    Request request;
    request.verb = api::Verb::create;
    request.kind = Kind::pods;
    request.subresource = api::Subresource::eviction;
    request.ns = "default";
    request.name = pod;
    request.body = body;
    return request;
  }
  // As the disruption controller would report it.
  void budget(const std::string& name, int32_t healthy, int32_t desired, int32_t allowed) {
    api::PodDisruptionBudget pdb;
    pdb.mutable_metadata()->set_name(name);
    pdb.mutable_metadata()->set_namespace_("default");
    pdb.mutable_spec()->mutable_min_available()->set_int_val(desired);
    (*pdb.mutable_spec()->mutable_selector()->mutable_match_labels())["app"] = "web";
    api::PodDisruptionBudget status = *made(pdb);
    status.mutable_status()->set_observed_generation(status.metadata().generation());
    status.mutable_status()->set_current_healthy(healthy);
    status.mutable_status()->set_desired_healthy(desired);
    status.mutable_status()->set_disruptions_allowed(allowed);
    status.mutable_status()->set_expected_pods(healthy);
    const Response response = put_status(status);
    ASSERT_TRUE(response.ok()) << response.error.message;
  }
};

TEST_F(EvictionTest, WithoutABudgetItIsADeletion) {
  running("p", "n1");
  const Response response = call(eviction("p"));
  ASSERT_TRUE(response.ok()) << response.error.message;
  EXPECT_TRUE(read<api::Pod>("p").object().deleting());
}

TEST_F(EvictionTest, ChargesTheBudgetInTheSameTransaction) {
  for (const char* name : {"a", "b", "c"}) running(name, "n1");
  budget("pdb", 3, 2, 1);
  ASSERT_TRUE(call(eviction("a")).ok());
  const auto pdb = read<api::PodDisruptionBudget>("pdb");
  EXPECT_EQ(pdb->status().disruptions_allowed(), 0);
  EXPECT_TRUE(pdb->status().disrupted_pods().contains("a"));
  EXPECT_EQ(pdb->metadata().generation(), 1);
  EXPECT_EQ(pdb.revision().value, read<api::Pod>("a").revision().value + 1);

  const Response refused = call(eviction("b"));
  EXPECT_EQ(refused.error.reason, Reason::too_many_requests);
  EXPECT_EQ(refused.error.message,
            "Cannot evict pod as it would violate the pod's disruption budget.");
  ASSERT_EQ(refused.error.causes.size(), 1u);
  EXPECT_EQ(refused.error.causes[0].reason, "DisruptionBudget");
  EXPECT_EQ(refused.error.causes[0].message,
            "The disruption budget pdb needs 2 healthy pods and has 3 currently");
  EXPECT_FALSE(read<api::Pod>("b").object().deleting());
  // Asking again for one that is on its way costs nothing.
  EXPECT_TRUE(call(eviction("a")).ok());
}

TEST_F(EvictionTest, StaleBudgetIsCheckedAgainstThePods) {
  running("a", "n1");
  running("b", "n1");
  api::Pod failing = *running("c", "n1");
  budget("pdb", 3, 2, 1);
  set_ready(failing, false);  // the disruption controller is down and has not seen it
  ASSERT_TRUE(put_status(failing).ok());
  EXPECT_EQ(call(eviction("a")).error.reason, Reason::too_many_requests);
}

TEST_F(EvictionTest, UnprocessedBudgetRefuses) {
  running("a", "n1");
  api::PodDisruptionBudget pdb;
  pdb.mutable_metadata()->set_name("pdb");
  pdb.mutable_metadata()->set_namespace_("default");
  pdb.mutable_spec()->mutable_min_available()->set_int_val(1);
  (*pdb.mutable_spec()->mutable_selector()->mutable_match_labels())["app"] = "web";
  made(pdb);
  const Response response = call(eviction("a"));
  EXPECT_EQ(response.error.reason, Reason::too_many_requests);
  EXPECT_EQ(response.error.retry_after_seconds, 10);
  EXPECT_EQ(response.error.causes[0].message,
            "The disruption budget pdb is still being processed by the server.");
}

TEST_F(EvictionTest, TwoBudgetsAre500) {
  running("a", "n1");
  budget("one", 1, 0, 1);
  budget("two", 1, 0, 1);
  const Response response = call(eviction("a"));
  EXPECT_EQ(response.error.reason, Reason::internal_error);
  EXPECT_EQ(
      response.error.message,
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
      "support.");
}

TEST_F(EvictionTest, PendingAndFinishedPodsBypass) {
  budget("pdb", 0, 2, 0);
  made(pod_named("pending"));
  EXPECT_NE(call(eviction("pending")).removed_uid, "");
  api::Pod done = *running("done", "n1");
  done.mutable_status()->set_phase("Failed");
  put_status(done);
  EXPECT_NE(call(eviction("done")).removed_uid, "");
}

TEST_F(EvictionTest, UnreadyPodsBypassWhileTheBudgetIsMet) {
  running("a", "n1", false);
  budget("pdb", 2, 2, 0);
  EXPECT_TRUE(call(eviction("a")).ok());
  running("b", "n1", false);
  api::PodDisruptionBudget pdb = *read<api::PodDisruptionBudget>("pdb");
  pdb.mutable_status()->set_current_healthy(1);
  ASSERT_TRUE(put_status(pdb).ok());
  EXPECT_EQ(call(eviction("b")).error.reason, Reason::too_many_requests);
}

TEST_F(EvictionTest, GraceAndPreconditions) {
  const auto pod = running("a", "n1");
  Request request = eviction("a");
  request.expected.uid = "other";
  EXPECT_EQ(call(request).error.reason, Reason::conflict);
  request.expected.uid = pod.uid();
  request.grace_period_seconds = 5;
  // As drain's DeleteOptions carry it.
  const auto with_revision = [&](const std::string& revision) {
    Request conditional = request;
    auto body = std::make_shared<api::Eviction>();
    body->mutable_delete_options()->mutable_preconditions()->set_resource_version(revision);
    conditional.body = body;
    return call(conditional);
  };
  EXPECT_EQ(with_revision("1").error.reason, Reason::conflict);
  EXPECT_EQ(with_revision("abc").error.reason, Reason::conflict);
  ASSERT_TRUE(with_revision(api::to_string(pod.revision())).ok());
  EXPECT_EQ(read<api::Pod>("a")->metadata().deletion_grace_period_seconds(), 5);
}

TEST_F(EvictionTest, DryRunChangesNothing) {
  running("a", "n1");
  budget("pdb", 1, 0, 1);
  Request request = eviction("a");
  request.dry_run = true;
  EXPECT_TRUE(call(request).ok());
  EXPECT_FALSE(read<api::Pod>("a").object().deleting());
  EXPECT_EQ(read<api::PodDisruptionBudget>("pdb")->status().disruptions_allowed(), 1);
}

}  // namespace
}  // namespace keelson::test
