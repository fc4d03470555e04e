// Rows of pods: what STATUS says of all that a pod can be going through.
#include "tests/rest/tables_fixture.hpp"

namespace keelson::rest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct PodRow {
  std::string ready, status, restarts;
  friend bool operator==(const PodRow&, const PodRow&) = default;
  friend std::ostream& operator<<(std::ostream& out, const PodRow& row) {
    return out << row.ready << " " << row.status << " " << row.restarts;
  }
};
PodRow pod_row(const ObjectPtr& pod) {
  const boost::json::value row = parsed(cells(*pod));
  const auto at = [&](std::size_t i) { return std::string(row.as_array().at(i).as_string()); };
  return {at(1), at(2), at(3)};
}

TEST(Pods, PendingAndRunning) {
  EXPECT_EQ(cells(*pod(", nodeName: n1", "phase: Pending")),
            R"(["p","0/1","Pending","0","7s","\u003cnone\u003e","n1","\u003cnone\u003e",)"
            R"("\u003cnone\u003e"])");
  EXPECT_EQ(cells(*pod(", nodeName: n2",
                       "phase: Running, podIP: 10.1.0.5, podIPs: [{ip: 10.1.0.5}], "
                       "nominatedNodeName: n3, "
                       "containerStatuses: [{name: c, ready: true, state: {running: {}}}]")),
            R"(["p","1/1","Running","0","7s","10.1.0.5","n2","n3","\u003cnone\u003e"])");
}

TEST(Pods, TheirOwnReasonIsBetterThanThePhase) {
  EXPECT_EQ(pod_row(pod("", "phase: Failed, reason: Evicted")), (PodRow{"0/1", "Evicted", "0"}));
  EXPECT_EQ(pod_row(pod("",
                        "phase: Pending, conditions: [{type: PodScheduled, status: 'False', "
                        "reason: SchedulingGated}]")),
            (PodRow{"0/1", "SchedulingGated", "0"}));
  EXPECT_EQ(pod_row(pod("",
                        "phase: Pending, conditions: [{type: PodScheduled, status: 'False', "
                        "reason: Unschedulable}]")),
            (PodRow{"0/1", "Pending", "0"}));
}

TEST(Pods, ContainersSayWhyTheyDoNotRun) {
  const auto state = [](const std::string& state) {
    return pod_row(
               pod("", "phase: Running, containerStatuses: [{name: c, restartCount: 2, state: {" +
                           state + "}}]"))
        .status;
  };
  EXPECT_EQ(state("waiting: {reason: ImagePullBackOff}"), "ImagePullBackOff");
  EXPECT_EQ(state("waiting: {message: no reason}"), "Running");
  EXPECT_EQ(state("terminated: {exitCode: 1, reason: Error}"), "Error");
  EXPECT_EQ(state("terminated: {exitCode: 0, reason: Completed}"), "Completed");
  EXPECT_EQ(state("terminated: {exitCode: 137, signal: 9}"), "Signal:9");
  EXPECT_EQ(state("terminated: {exitCode: 3}"), "ExitCode:3");
}

TEST(Pods, TheFirstContainersReasonCounts) {
  EXPECT_EQ(pod_row(pod("",
                        "phase: Running, containerStatuses: ["
                        "{name: a, state: {waiting: {reason: CrashLoopBackOff}}}, "
                        "{name: b, state: {terminated: {exitCode: 1, reason: Error}}}]"))
                .status,
            "CrashLoopBackOff");
}

TEST(Pods, OneCompletedContainerDoesNotCompleteThePod) {
  const std::string done = "{name: c, state: {terminated: {exitCode: 0, reason: Completed}}}";
  const std::string running = "{name: d, ready: true, state: {running: {}}}";
  const std::string failed = "{name: e, state: {terminated: {exitCode: 2, reason: Error}}}";
  const std::string ready = "conditions: [{type: Ready, status: 'True'}], ";
  const auto status = [](const std::string& text) {
    return pod_row(pod("", "phase: Running, " + text)).status;
  };
  EXPECT_EQ(status(ready + "containerStatuses: [" + done + ", " + running + "]"), "Running");
  EXPECT_EQ(status("containerStatuses: [" + done + ", " + running + "]"), "NotReady");
  EXPECT_EQ(status("containerStatuses: [" + done + ", " + failed + "]"), "Error");
  EXPECT_EQ(status("containerStatuses: [" + done + ", " + running + ", " + failed + "]"), "Error");
}

TEST(Pods, InitContainersHoldThemUp) {
  const std::string spec = ", initContainers: [{name: i0, image: i}, {name: i1, image: i}]";
  const std::string done = "{name: i0, state: {terminated: {exitCode: 0}}}, ";
  const auto status = [&](const std::string& statuses) {
    return pod_row(pod(spec, "phase: Pending, initContainerStatuses: [" + statuses + "]"));
  };
  EXPECT_EQ(status("{name: i0, state: {running: {}}}").status, "Init:0/2");
  EXPECT_EQ(status(done + "{name: i1, state: {running: {}}}").status, "Init:1/2");
  EXPECT_EQ(status(done + "{name: i1, state: {waiting: {reason: PodInitializing}}}").status,
            "Init:1/2");
  EXPECT_EQ(status("{name: i0, state: {waiting: {reason: ErrImagePull}}}").status,
            "Init:ErrImagePull");
  EXPECT_EQ(status("{name: i0, state: {terminated: {exitCode: 1, reason: Error}}}").status,
            "Init:Error");
  EXPECT_EQ(status("{name: i0, state: {terminated: {exitCode: 1}}}").status, "Init:ExitCode:1");
  EXPECT_EQ(status("{name: i0, state: {terminated: {exitCode: 1, signal: 15}}}").status,
            "Init:Signal:15");
  // Restarts of what prepares the pod count until it is prepared.
  EXPECT_EQ(status("{name: i0, restartCount: 4, state: {running: {}}}"),
            (PodRow{"0/1", "Init:0/2", "4"}));
  EXPECT_EQ(pod_row(pod(spec,
                        "phase: Running, initContainerStatuses: [{name: i0, restartCount: 4, "
                        "state: {terminated: {exitCode: 0}}}], containerStatuses: "
                        "[{name: c, ready: true, restartCount: 1, state: {running: {}}}]")),
            (PodRow{"1/1", "Running", "1"}));
}

TEST(Pods, SidecarsCountAsContainers) {
  const std::string spec =
      ", initContainers: [{name: s, image: i, restartPolicy: Always}, {name: i1, image: i}]";
  const std::string up =
      "{name: s, started: true, ready: true, restartCount: 2, state: {running: {}}}";
  EXPECT_EQ(pod_row(pod(spec,
                        "phase: Pending, initContainerStatuses: [{name: s, started: false, "
                        "state: {running: {}}}]")),
            (PodRow{"0/2", "Init:0/2", "0"}));
  EXPECT_EQ(pod_row(pod(spec, "phase: Pending, initContainerStatuses: [" + up +
                                  ", {name: i1, state: {running: {}}}]")),
            (PodRow{"1/2", "Init:1/2", "2"}));
  EXPECT_EQ(pod_row(pod(spec, "phase: Running, initContainerStatuses: [" + up +
                                  ", {name: i1, restartCount: 9, "
                                  "state: {terminated: {exitCode: 0}}}], containerStatuses: "
                                  "[{name: c, ready: true, restartCount: 1, "
                                  "state: {running: {}}}]")),
            (PodRow{"2/2", "Running", "3"}));
  // It stopped later on: what holds the pod up is not its preparation any more.
  EXPECT_EQ(pod_row(pod(spec,
                        "phase: Running, conditions: [{type: Initialized, status: 'True'}], "
                        "initContainerStatuses: [{name: s, started: false, restartCount: 1, "
                        "state: {waiting: {reason: CrashLoopBackOff}}}], "
                        "containerStatuses: [{name: c, ready: true, restartCount: 1, "
                        "state: {running: {}}}]")),
            (PodRow{"1/2", "Init:CrashLoopBackOff", "2"}));
}

TEST(Pods, RestartsTellWhenTheLastOneWas) {
  const auto restarts = [](const std::string& containers) {
    return pod_row(pod("", "phase: Running, containerStatuses: [" + containers + "]")).restarts;
  };
  const auto ended = [](const std::string& time) {
    return "lastState: {terminated: {exitCode: 1, finishedAt: \"2023-11-14T" + time + "Z\"}}";
  };
  EXPECT_EQ(restarts("{name: c, restartCount: 3, " + ended("22:08:22") + "}"), "3 (5m5s ago)");
  EXPECT_EQ(restarts("{name: c, restartCount: 3}"), "3");
  EXPECT_EQ(restarts("{name: c, restartCount: 0, " + ended("22:08:22") + "}"), "0");
  EXPECT_EQ(restarts("{name: c, restartCount: 1, " + ended("22:13:24") + "}, {name: d, " +
                     "restartCount: 2, " + ended("22:13:17") + "}"),
            "3 (3s ago)");
}

TEST(Pods, TerminatingAndLost) {
  const std::string deleted = R"(, deletionTimestamp: "2023-11-14T22:13:22Z")";
  EXPECT_EQ(pod_row(pod("", "phase: Running", deleted)).status, "Terminating");
  EXPECT_EQ(pod_row(pod("", "phase: Running, reason: NodeLost", deleted)).status, "Unknown");
  EXPECT_EQ(pod_row(pod("", "phase: Succeeded", deleted)).status, "Succeeded");
  EXPECT_EQ(pod_row(pod("", "phase: Running, reason: NodeLost")).status, "NodeLost");
}

TEST(Pods, ReadinessGatesAreCounted) {
  const ObjectPtr gated =
      pod(", readinessGates: [{conditionType: a}, {conditionType: b}]",
          "conditions: [{type: a, status: 'True'}, {type: b, status: 'False'}]");
  EXPECT_EQ(parsed(cells(*gated)).as_array().at(8).as_string(), "1/2");
}

TEST(Pods, AnAddressAloneIsEnough) {
  const auto address = [](const std::string& status) {
    return std::string(parsed(cells(*pod("", status))).as_array().at(5).as_string());
  };
  EXPECT_EQ(address("podIP: 10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(address("podIPs: [{ip: 10.0.0.2}]"), "10.0.0.2");
}

TEST(Pods, RowsOfFinishedOnesAreMarked) {
  const auto conditions = [](const std::string& status) {
    std::string out;
    append_row_conditions(*pod("", status), out);
    return out;
  };
  EXPECT_EQ(conditions("phase: Running"), "");
  EXPECT_EQ(conditions("phase: Succeeded"),
            R"([{"type":"Completed","status":"True","reason":"Succeeded",)"
            R"("message":"The pod has completed successfully."}])");
  EXPECT_EQ(conditions("phase: Failed"),
            R"([{"type":"Completed","status":"True","reason":"Failed",)"
            R"("message":"The pod failed."}])");
  std::string out;
  append_row_conditions(*ObjectPtr(test::DeploymentBuilder("d")), out);
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace keelson::rest
