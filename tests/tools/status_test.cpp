// What `keelson status` says of clusters made of answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/fake_cluster.hpp"
#include "tools/cli/cluster/status.hpp"

namespace keelson::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// FakeConsole's now is 2023-11-14T22:15:00Z.
constexpr const char* kStatus = "/keelson/v1/status";
constexpr const char* kLeases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/";

std::string plane(const std::string& name, const std::string& store, const std::string& roles = "",
                  const std::string& ends = "2024-11-01T00:00:00Z") {
  return R"({"name":")" + name + R"(","store":)" + store + R"(,"roles":[)" + roles +
         R"(],"certificates":[{"name":"apiserver","ends":")" + ends + R"("}]})";
}
constexpr const char* kStoreServes =
    R"({"address":"unix:/redis","serving":true,"version":"7.0.15","profile":"durable","memoryBytes":2097152})";
constexpr const char* kBothRoles =
    R"({"name":"controller-manager","leading":true},{"name":"scheduler","leading":true})";

class StatusOf : public ::testing::Test {
 protected:
  StatusOf() {
    api.answer("/readyz",
               {.status = 200, .body = "[+]ping ok\n[+]store ok\nreadyz check passed\n"});
    api.answer("/version", {.status = 200, .body = R"({"gitVersion":"v1.33.0+keelson"})"});
    api.answer(kStatus, {.status = 200, .body = plane("h1", kStoreServes, kBothRoles)});
    for (const char* role : {"controller-manager", "scheduler"}) {
      api.put(std::string(kLeases) + role,
              R"({"spec":{"holderIdentity":"h1_0","acquireTime":"2023-11-14T22:05:00.000000Z",
                          "renewTime":"2023-11-14T22:14:59.000000Z"}})");
    }
    api.put("/api/v1/namespaces/default/endpoints/kubernetes",
            R"({"subsets":[{"addresses":[{"ip":"10.0.0.1"}],"ports":[{"port":6443}]}]})");
    node("n1", "True", "");
    pod("web-1", R"("phase":"Running")");
  }

  void node(const std::string& name, const std::string& ready, const std::string& message) {
    api.put("/api/v1/nodes/" + name,
            R"({"metadata":{"name":")" + name +
                R"("},"status":{"conditions":[{"type":"Ready","status":")" + ready +
                R"(","message":")" + message +
                R"(","lastTransitionTime":"2023-11-14T22:10:00Z"}]}})");
  }
  // Ten minutes old.
  void pod(const std::string& name, const std::string& status, const std::string& metadata = "") {
    api.put("/api/v1/pods/" + name,
            R"({"metadata":{"name":")" + name +
                R"(","namespace":"default","creationTimestamp":"2023-11-14T22:05:00Z")" + metadata +
                R"(},"spec":{"nodeName":"n1"},"status":{)" + status + "}}");
  }

  // The report, with the verdict "fine" if nothing is wrong.
  std::string ask() {
    auto flags = Flags::parse({global_flags()}, {});
    Session session(api, console, *flags, "default");
    StatusSources sources{.session = session, .elsewhere = elsewhere, .certificates = certificates};
    StatusReport report;
    report_cluster(report, sources);
    return report.text("fine");
  }

  FakeApi api;
  FakeConsole console;
  std::function<Result<ApiReply>(const std::string&, const ApiRequest&)> elsewhere;
  std::vector<StatusSources::Certificate> certificates;
};

TEST_F(StatusOf, AClusterThatIsWell) {
  const std::string said = ask();
  EXPECT_THAT(said, StartsWith("OK: fine\n"));
  EXPECT_THAT(said, HasSubstr("https://cluster.test:6443 is ready, v1.33.0+keelson\n"));
  EXPECT_THAT(said, HasSubstr("unix:/redis serves, Redis 7.0.15, profile durable, 2.0 MiB\n"));
  EXPECT_THAT(said, HasSubstr("scheduler: h1, for 10m\n"));
  EXPECT_THAT(said, HasSubstr("1 of 1 Ready\n"));
  EXPECT_THAT(said, HasSubstr("1 Running\n"));
  EXPECT_THAT(said, Not(HasSubstr("!")));
}

TEST_F(StatusOf, AStoreThatIsAway) {
  api.answer("/readyz",
             {.status = 500,
              .body = "[+]ping ok\n[-]store failed: reason withheld\nreadyz check failed\n"});
  api.answer(kStatus, {.status = 200,
                       .body = plane(
                           "h1", R"({"address":"unix:/redis","serving":false,"trouble":"refused"})",
                           kBothRoles)});
  const std::string said = ask();
  EXPECT_THAT(said, StartsWith("NOT OK: the API is not ready; the store does not serve\n"));
  EXPECT_THAT(said, HasSubstr("! https://cluster.test:6443 is not ready: store failed\n"));
  EXPECT_THAT(said, HasSubstr("! unix:/redis: refused\n"));
}

TEST_F(StatusOf, AStoreThatIsInDanger) {
  api.answer(
      kStatus,
      {.status = 200,
       .body = plane("h1", R"({"address":"r","serving":true,"profile":"volatile","memoryBytes":95,
                                      "memoryMaxBytes":100,"historyLost":2,"appendFailure":"disk full"})",
                     kBothRoles)});
  EXPECT_THAT(
      ask(),
      StartsWith("NOT OK: the store is nearly full; the store cannot write to its disk; the store "
                 "keeps nothing; the store has lost acknowledged writes\n"));
}

TEST_F(StatusOf, RolesThatNobodyHas) {
  api.answer(kStatus, {.status = 200, .body = plane("h1", kStoreServes)});
  api.put(std::string(kLeases) + "scheduler",
          R"({"spec":{"holderIdentity":"h1_0","renewTime":"2023-11-14T22:00:00.000000Z"}})");
  const std::string said = ask();
  EXPECT_THAT(said, StartsWith("NOT OK: nobody is scheduler\n"));
  EXPECT_THAT(said, HasSubstr("! scheduler: nobody; the last was h1_0, until 15m ago\n"));
  EXPECT_THAT(said, HasSubstr("controller-manager: changing hands from h1_0\n"));
}

TEST_F(StatusOf, OtherControlPlanesAreAskedToo) {
  api.put("/api/v1/namespaces/default/endpoints/kubernetes",
          R"({"subsets":[{"addresses":[{"ip":"10.0.0.1"},{"ip":"10.0.0.2"},{"ip":"10.0.0.3"}],
                          "ports":[{"port":6443}]}]})");
  elsewhere = [](const std::string& server, const ApiRequest& request) -> Result<ApiReply> {
    EXPECT_EQ(request.path, kStatus);
    if (server == "https://10.0.0.3:6443") return Error{Code::unavailable, "no route"};
    return ApiReply{
        .status = 200,
        .body = server == "https://10.0.0.1:6443"
                    ? plane("h1", kStoreServes, kBothRoles)
                    : plane("h2", R"({"address":"tcp","serving":false,"trouble":"cut"})")};
  };
  const std::string said = ask();
  EXPECT_THAT(said,
              StartsWith("NOT OK: a control plane does not answer; the store does not serve\n"));
  EXPECT_THAT(said, HasSubstr("! https://10.0.0.3:6443: no route\n"));
  EXPECT_THAT(said, HasSubstr("h1 (10.0.0.1:6443), h2 (10.0.0.2:6443)\n"));
  EXPECT_THAT(said, HasSubstr("! h2: tcp: cut\n"));
}

TEST_F(StatusOf, NodesThatAreNotReady) {
  node("n2", "Unknown", "no heartbeat");
  node("n3", "False", "the network is being set up");
  const std::string said = ask();
  EXPECT_THAT(said, StartsWith("NOT OK: 2 of 3 nodes are not Ready\n"));
  EXPECT_THAT(said, HasSubstr("! n2 is silent for 5m: no heartbeat\n"));
  EXPECT_THAT(said, HasSubstr("! n3 is not Ready for 5m: the network is being set up\n"));
}

TEST_F(StatusOf, PodsThatDoNotRunByReason) {
  const char* pull = R"("phase":"Pending","containerStatuses":[{"name":"a","image":"nginx:1.99",
                         "state":{"waiting":{"reason":"ImagePullBackOff"}}}])";
  pod("a-1", pull);
  pod("a-2", pull);
  pod("crash", R"("phase":"Running","containerStatuses":[{"name":"c","state":{"waiting":{"reason":
                   "CrashLoopBackOff"}},"lastState":{"terminated":{"exitCode":3}}}])");
  pod("big",
      R"("phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable",
                 "message":"0/1 nodes are available"}])");
  pod("slow", R"("phase":"Pending","containerStatuses":[{"name":"s","state":{"waiting":{"reason":
                  "ContainerCreating","message":"no volume"}}}])");
  pod("ill",
      R"("phase":"Running","conditions":[{"type":"Ready","status":"False","message":"probe failed",
                 "lastTransitionTime":"2023-11-14T22:06:00Z"}])");
  pod("stuck", R"("phase":"Running")", R"(,"deletionTimestamp":"2023-11-14T22:06:00Z")");
  pod("done", R"("phase":"Succeeded")");
  const std::string said = ask();
  EXPECT_THAT(said, StartsWith("NOT OK: 7 pods do not run\n"));
  EXPECT_THAT(said, HasSubstr("2 pods ImagePullBackOff: nginx:1.99 (default/a-1, ...)\n"));
  EXPECT_THAT(said,
              HasSubstr("1 pod CrashLoopBackOff: container c ended with 3 (default/crash)\n"));
  EXPECT_THAT(said, HasSubstr("1 pod Unschedulable: 0/1 nodes are available (default/big)\n"));
  EXPECT_THAT(said, HasSubstr("1 pod ContainerCreating: no volume (default/slow)\n"));
  EXPECT_THAT(said, HasSubstr("1 pod NotReady: probe failed (default/ill)\n"));
  EXPECT_THAT(said,
              HasSubstr("1 pod Terminating: does not end; is its node gone? (default/stuck)\n"));
  EXPECT_THAT(said, HasSubstr("1 Running, 1 Succeeded\n"));
}

TEST_F(StatusOf, PodsThatAreOnTheirWayAreNoTrouble) {
  api.put("/api/v1/pods/new", R"({"metadata":{"name":"new","namespace":"default",
    "creationTimestamp":"2023-11-14T22:14:30Z"},"status":{"phase":"Pending","containerStatuses":[
    {"name":"a","state":{"waiting":{"reason":"ContainerCreating"}}}]}})");
  pod("ends", R"("phase":"Running")", R"(,"deletionTimestamp":"2023-11-14T22:14:50Z")");
  EXPECT_THAT(ask(), StartsWith("OK: fine\n"));
}

TEST_F(StatusOf, CertificatesThatEndSoon) {
  api.answer(kStatus, {.status = 200,
                       .body = plane("h1", kStoreServes, kBothRoles, "2023-11-20T00:00:00Z")});
  certificates = {{"the kubeconfig's", 1'699'999'000, "make another"}};
  const std::string said = ask();
  EXPECT_THAT(said, StartsWith("NOT OK: a certificate has ended; a certificate ends soon\n"));
  EXPECT_THAT(said, HasSubstr("! the kubeconfig's ended 18m ago; make another\n"));
  EXPECT_THAT(said,
              HasSubstr("! apiserver of h1 ends in 5d1h; `keelson certs renew` there renews it\n"));
}

TEST_F(StatusOf, NodesThatWaitForCertificates) {
  const std::string path = "/apis/certificates.k8s.io/v1/certificatesigningrequests/";
  api.put(path + "mine", R"({"metadata":{"name":"mine","creationTimestamp":"2023-11-14T22:00:00Z"},
                             "spec":{"signerName":"kubernetes.io/kube-apiserver-client","username":"me"}})");
  EXPECT_THAT(ask(), HasSubstr("1 certificate request pending\n"));
  EXPECT_THAT(ask(), StartsWith("OK: fine\n"));
  api.put(path + "node", R"({"metadata":{"name":"node","creationTimestamp":"2023-11-14T22:00:00Z"},
    "spec":{"signerName":"kubernetes.io/kubelet-serving","username":"system:node:n2"}})");
  const std::string said = ask();
  EXPECT_THAT(said, StartsWith("NOT OK: nodes wait for certificates\n"));
  EXPECT_THAT(said,
              HasSubstr("! node of system:node:n2 for 15m: `kubectl certificate approve node`"));
}

TEST_F(StatusOf, WarningsOfTheLastHourOnce) {
  const auto event = [&](const std::string& name, const std::string& at, const std::string& message,
                         const std::string& pod = "p") {
    api.put("/api/v1/events/" + name, R"({"type":"Warning","reason":"Failed","message":")" +
                                          message + R"(","involvedObject":{"kind":"Pod","name":")" +
                                          pod + R"("},"lastTimestamp":")" + at + R"("})");
  };
  event("a", "2023-11-14T22:14:50Z", "twice");
  event("b", "2023-11-14T22:14:40Z", "the same, earlier");
  event("c", "2023-11-14T20:00:00Z", "long ago");
  event("d", "2023-11-14T22:14:00Z", "moves the cursor \\u001b[2J", "q");
  const std::string said = ask();
  EXPECT_THAT(said, HasSubstr("10s  Pod p: Failed: twice\n"));
  EXPECT_THAT(said, HasSubstr("Pod q: Failed: moves the cursor"));
  EXPECT_THAT(said, Not(HasSubstr("earlier")));
  EXPECT_THAT(said, Not(HasSubstr("long ago")));
  EXPECT_THAT(said, Not(HasSubstr("\x1b")));
  EXPECT_THAT(said, StartsWith("OK: fine\n"));
}

TEST_F(StatusOf, AnApiThatIsNotThere) {
  class Nobody final : public Api {
   public:
    Result<ApiReply> call(const ApiRequest&) override {
      return Error{Code::unavailable, "was refused"};
    }
    Result<ApiReply> stream(const ApiRequest&,
                            const std::function<bool(std::string_view)>&) override {
      return Error{Code::unavailable, ""};
    }
    Result<std::unique_ptr<Socket>> connect(const std::string&, const std::string&) override {
      return Error{Code::unavailable, ""};
    }
    std::string server() const override { return "https://gone:6443"; }
  } nobody;
  auto flags = Flags::parse({global_flags()}, {});
  Session session(nobody, console, *flags, "default");
  StatusSources sources{.session = session};
  StatusReport report;
  EXPECT_FALSE(report_cluster(report, sources));
  EXPECT_EQ(
      report.text("fine"),
      "NOT OK: the API does not answer\n\nAPI             ! https://gone:6443: was refused\n");
}

TEST_F(StatusOf, WhatThisUserMayNotSeeIsLeftOut) {
  const ApiReply forbidden{.status = 403,
                           .body = R"({"kind":"Status","reason":"Forbidden","message":"no"})"};
  for (const char* path :
       {kStatus, "/api/v1/nodes", "/api/v1/pods", "/api/v1/events",
        "/apis/certificates.k8s.io/v1/certificatesigningrequests",
        "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/scheduler",
        "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/controller-manager",
        "/api/v1/namespaces/default/endpoints/kubernetes"}) {
    api.answer(path, forbidden);
  }
  const std::string said = ask();
  EXPECT_THAT(said, StartsWith("OK: fine\n"));
  EXPECT_THAT(said, HasSubstr("Store           not told to this user"));
  EXPECT_THAT(said, HasSubstr("Nodes           cannot be read"));
}

}  // namespace
}  // namespace keelson::cli
