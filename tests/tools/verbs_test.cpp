// The verbs against a cluster made of answers: what they ask for, and what they say.
#include <gtest/gtest.h>

#include "tests/tools/fake_cluster.hpp"
#include "tools/cli/cluster/rollout_state.hpp"

namespace keelson::cli {
namespace {

constexpr const char* kDeployments = "/apis/apps/v1/namespaces/default/deployments";
constexpr const char* kDeployment = R"({"apiVersion":"apps/v1","kind":"Deployment",
  "metadata":{"name":"kel","namespace":"default","uid":"d","resourceVersion":"5","generation":1,"labels":{"run":"kel"},
              "annotations":{"deployment.kubernetes.io/revision":"2"}},
  "spec":{"replicas":2,"selector":{"matchLabels":{"run":"kel"}},
          "template":{"metadata":{"labels":{"run":"kel"}},"spec":{"containers":[{"name":"kel","image":"nginx:1.8","ports":[{"containerPort":80}]}]}}},
  "status":{"observedGeneration":1,"replicas":2,"updatedReplicas":2,"availableReplicas":2}})";
constexpr const char* kPod =
    R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"kel-1","namespace":"default","uid":"p"},
  "spec":{"nodeName":"n1","containers":[{"name":"a","image":"x"},{"name":"b","image":"y"}]},"status":{"phase":"Running"}})";

class Verbs : public ::testing::Test {
 protected:
  Verbs() {
    api.put(std::string(kDeployments) + "/kel", kDeployment);
    api.put("/api/v1/namespaces/default/pods/kel-1", kPod);
    api.put(
        "/api/v1/nodes/n1",
        R"({"kind":"Node","metadata":{"name":"n1","uid":"n"},"spec":{"taints":[{"key":"old","effect":"NoSchedule"}]}})");
  }
  FakeApi api;
};

TEST_F(Verbs, RunMakesTheTutorialsDeployment) {
  const Ran ran = run(api, {"run", "web", "--image=nginx:1.7.9", "--port=80"});
  EXPECT_EQ(ran.out, "deployment.apps/web created\n") << ran.err;
  ASSERT_EQ(api.changes.size(), 1u);
  EXPECT_EQ(api.changes[0].path, std::string(kDeployments) + "?fieldManager=keelson");
  const Json body = parse_tree(api.changes[0].body);
  EXPECT_EQ(text_at(body, "metadata.labels.run"), "web");
  EXPECT_EQ(text_at(body, "spec.selector.matchLabels.run"), "web");
  EXPECT_EQ(compact_text(*find(body, "spec.template.spec.containers")),
            R"([{"image":"nginx:1.7.9","name":"web","ports":[{"containerPort":80}]}])");
}

TEST_F(Verbs, RunSaysWhatIsMissing) {
  EXPECT_EQ(run(api, {"run", "web"}).err, "error: required flag(s) \"image\" not set\n");
  EXPECT_EQ(run(api, {"run", "kel", "--image=x"}).err,
            "Error from server (AlreadyExists): deployments \"kel\" already exists\n");
  EXPECT_EQ(run(api, {"create", "deployment", "kel", "--image=x"}).err,
            "error: failed to create deployment: deployments \"kel\" already exists\n");
  EXPECT_EQ(run(api, {"run", "x", "--image=x", "--port=eighty"}).code, 1);
  EXPECT_EQ(
      run(api, {"run", "x", "--image=x", "--dry-run=perhaps"}).err,
      "error: Invalid dry-run value (perhaps). Must be \"none\", \"server\", or \"client\".\n");
}

TEST_F(Verbs, ExposeScaleAndSetImage) {
  EXPECT_EQ(run(api, {"expose", "deployment", "kel", "--type=NodePort"}).out,
            "service/kel exposed\n");
  const Json service = parse_tree(api.changes.back().body);
  EXPECT_EQ(
      compact_text(*find(service, "spec")),
      R"({"ports":[{"port":80,"protocol":"TCP","targetPort":80}],"selector":{"run":"kel"},"type":"NodePort"})");
  EXPECT_EQ(run(api, {"scale", "deployments/kel", "--replicas=4"}).out,
            "deployment.apps/kel scaled\n");
  EXPECT_EQ(api.changes.back().path, std::string(kDeployments) + "/kel/scale?fieldManager=keelson");
  EXPECT_EQ(api.changes.back().body, R"({"spec":{"replicas":4}})");
  EXPECT_EQ(run(api, {"scale", "deployments/kel", "--replicas=-1"}).code, 1);
  EXPECT_EQ(run(api, {"set", "image", "deployments/kel", "kel=nginx:1.9"}).out,
            "deployment.apps/kel image updated\n");
  EXPECT_EQ(api.changes.back().content_type, patch::strategic);
  EXPECT_EQ(run(api, {"set", "image", "deploy/kel", "other=x"}).err,
            "error: unable to find container named \"other\"\n");
}

TEST_F(Verbs, MissingObjectsAndTypesAreToldAsKubectlDoes) {
  Ran ran = run(api, {"get", "pods", "nope"});
  EXPECT_EQ(ran.err, "Error from server (NotFound): pods \"nope\" not found\n");
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(run(api, {"get", "pods", "nope", "--ignore-not-found"}).code, 0);
  ran = run(api, {"get", "gizmos"});
  EXPECT_EQ(ran.err, "error: the server doesn't have a resource type \"gizmos\"\n");
  EXPECT_EQ(run(api, {"get", "events"}).err, "No resources found in default namespace.\n");
  EXPECT_EQ(run(api, {"get", "events", "-A"}).err, "No resources found\n");
  EXPECT_EQ(run(api, {"delete", "pods"}).err,
            "error: resource(s) were provided, but no name was specified\n");
  EXPECT_EQ(run(api, {"get", "pod/x", "y"}).code, 1);
}

TEST_F(Verbs, GetPrintsWhatIsAskedFor) {
  EXPECT_EQ(run(api, {"get", "po,deploy", "-o", "name"}).out, "pod/kel-1\ndeployment.apps/kel\n");
  EXPECT_EQ(run(api, {"get", "deployments.apps", "kel", "-o", "jsonpath={.spec.replicas}"}).out,
            "2");
  EXPECT_EQ(run(api, {"-n", "default", "get", "deployments.v1.apps/kel", "-o", "name"}).out,
            "deployment.apps/kel\n");
  run(api, {"get", "pods", "-l", "a in (b,c)", "-A", "-o", "name"});
  EXPECT_EQ(api.requests.back().path, "/api/v1/pods?labelSelector=a%20in%20%28b%2Cc%29&limit=500");
}

TEST_F(Verbs, LabelAnnotateTaintCordon) {
  EXPECT_EQ(run(api, {"label", "pod", "kel-1", "env=test"}).out, "pod/kel-1 labeled\n");
  EXPECT_EQ(run(api, {"label", "pod", "kel-1", "env=prod"}).err,
            "error: 'env' already has a value (test), and --overwrite is false\n");
  EXPECT_EQ(run(api, {"label", "pod", "kel-1", "env-"}).out, "pod/kel-1 unlabeled\n");
  EXPECT_EQ(api.changes.back().body, R"({"metadata":{"labels":{"env":null}}})");
  EXPECT_EQ(run(api, {"label", "pod", "kel-1", "env-"}).out,
            "label \"env\" not found.\npod/kel-1 not labeled\n");
  EXPECT_EQ(run(api, {"annotate", "pod/kel-1", "a.b/c=d e"}).out, "pod/kel-1 annotated\n");
  EXPECT_EQ(run(api, {"taint", "nodes", "n1", "k=v:NoExecute"}).out, "node/n1 tainted\n");
  EXPECT_EQ(
      compact_text(*find(parse_tree(api.changes.back().body), "spec.taints")),
      R"([{"effect":"NoSchedule","key":"old"},{"effect":"NoExecute","key":"k","value":"v"}])");
  EXPECT_EQ(run(api, {"taint", "nodes", "n1", "k:NoExecute-"}).out, "node/n1 untainted\n");
  EXPECT_EQ(run(api, {"taint", "nodes", "n1", "zzz-"}).err, "error: taint \"zzz\" not found\n");
  EXPECT_EQ(run(api, {"taint", "nodes", "n1", "a=b:Never"}).err,
            "error: invalid taint effect: Never, unsupported taint effect\n");
  EXPECT_EQ(run(api, {"cordon", "n1"}).out, "node/n1 cordoned\n");
  EXPECT_EQ(run(api, {"cordon", "n1"}).out, "node/n1 already cordoned\n");
  EXPECT_EQ(run(api, {"uncordon", "n1"}).out, "node/n1 uncordoned\n");
}

TEST_F(Verbs, DrainWantsToBeToldAboutPodsThatNothingMakesAgain) {
  api.answer("/api/v1/pods", {.status = 200, .body = std::string(R"({"items":[)") + kPod + "]}"});
  const Ran refused = run(api, {"drain", "n1"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(
      refused.err.find(
          "cannot delete Pods that declare no controller (use --force to override): default/kel-1"),
      std::string::npos)
      << refused.err;
  api.answer("/api/v1/namespaces/default/pods/kel-1", {.status = 404, .body = "{}"});
  const Ran done = run(api, {"drain", "n1", "--force"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.out.find("evicting pod default/kel-1\npod/kel-1 evicted\nnode/n1 drained\n"),
            std::string::npos)
      << done.out;
}

TEST_F(Verbs, DeleteWaitsUntilTheObjectIsGone) {
  const Ran ran = run(api, {"delete", "deployment", "kel"});
  EXPECT_EQ(ran.out, "deployment.apps \"kel\" deleted\n") << ran.err;
  EXPECT_EQ(api.changes.back().body, R"({"propagationPolicy":"Background"})");
  EXPECT_TRUE(api.requests.back().method == "GET");
  EXPECT_EQ(run(api, {"delete", "deployment", "kel"}).err,
            "Error from server (NotFound): deployments \"kel\" not found\n");
}

TEST_F(Verbs, ManifestsFromStandardInput) {
  FakeConsole console;
  console.input =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n---\n---\napiVersion: "
      "v1\nkind: Pod\nmetadata: {name: kel-1}\n";
  const Ran ran = run(api, {"create", "-f", "-"}, &console);
  EXPECT_EQ(ran.out, "configmap/c created\n");
  EXPECT_EQ(ran.err,
            "Error from server (AlreadyExists): error when creating \"STDIN\": pods \"kel-1\" "
            "already exists\n");
  EXPECT_EQ(ran.code, 1);
}

TEST_F(Verbs, BadManifestsAreRefusedWithTheirPlace) {
  for (const char* text :
       {"a: [b", "just text", "kind: Pod\n", "apiVersion: v9\nkind: Pod\nmetadata: {name: x}\n", "",
        "apiVersion: v1\nkind: Pod\nmetadata: 7\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: x, namespace: other}\n"}) {
    FakeConsole console;
    console.input = text;
    const Ran ran = run(api, {"-n", "default", "create", "-f", "-"}, &console);
    EXPECT_EQ(ran.code, 1) << text;
    EXPECT_TRUE(ran.err.starts_with("error: ")) << ran.err;
  }
  EXPECT_EQ(run(api, {"create", "-f", "/no/such/file.yaml"}).err,
            "error: the path \"/no/such/file.yaml\" does not exist\n");
}

TEST_F(Verbs, ApplySaysWhatChanged) {
  FakeConsole console;
  console.input =
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: kel}\nspec: {replicas: 3}\n";
  EXPECT_EQ(run(api, {"apply", "-f", "-"}, &console).out, "deployment.apps/kel configured\n");
  EXPECT_EQ(api.changes.back().content_type, patch::apply);
  EXPECT_EQ(api.changes.back().path,
            std::string(kDeployments) + "/kel?fieldManager=keelson&force=true");
}

TEST_F(Verbs, RolloutStatusAndUndo) {
  EXPECT_EQ(run(api, {"rollout", "status", "deployment/kel"}).out,
            "deployment \"kel\" successfully rolled out\n");
  EXPECT_EQ(run(api, {"rollout", "undo", "deployment/kel"}).err,
            "error: no rollout history found for deployment \"kel\"\n");
  for (const char* revision : {"1", "2"}) {
    api.put(
        std::string("/apis/apps/v1/namespaces/default/replicasets/kel-") + revision,
        std::string(R"({"metadata":{"name":"kel-)") + revision +
            R"(","ownerReferences":[{"uid":"d","controller":true}],"annotations":{"deployment.kubernetes.io/revision":")" +
            revision +
            R"("}},"spec":{"template":{"metadata":{"labels":{"pod-template-hash":"h","run":"kel"}},"spec":{"containers":[{"name":"kel","image":"nginx:1.7.9"}]}}}})");
  }
  EXPECT_EQ(run(api, {"rollout", "history", "deployment/kel"}).out,
            "deployment.apps/kel \nREVISION  CHANGE-CAUSE\n1         <none>\n2         <none>\n\n");
  EXPECT_EQ(run(api, {"rollout", "undo", "deployment/kel", "--to-revision=7"}).err,
            "error: unable to find specified revision 7 in history\n");
  EXPECT_EQ(run(api, {"rollout", "pause", "deployment/kel"}).out, "deployment.apps/kel paused\n");
  EXPECT_EQ(run(api, {"rollout", "pause", "deployment/kel"}).err,
            "error: deployments.apps \"kel\" is already paused\n");
}

TEST(RolloutState, TellsHowFarItIs) {
  const auto text = [](const char* json) {
    const auto state = rollout_state(parse_tree(json));
    return state ? state->text : state.error().message;
  };
  EXPECT_EQ(
      text(
          R"({"kind":"Deployment","metadata":{"name":"d","generation":2},"status":{"observedGeneration":1}})"),
      "Waiting for deployment spec update to be observed...\n");
  EXPECT_EQ(
      text(
          R"({"kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":3},"status":{"updatedReplicas":1}})"),
      "Waiting for deployment \"d\" rollout to finish: 1 out of 3 new replicas have been "
      "updated...\n");
  EXPECT_EQ(
      text(
          R"({"kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":1},"status":{"updatedReplicas":1,"replicas":2}})"),
      "Waiting for deployment \"d\" rollout to finish: 1 old replicas are pending "
      "termination...\n");
  EXPECT_EQ(
      text(
          R"({"kind":"Deployment","metadata":{"name":"d"},"status":{"conditions":[{"type":"Progressing","reason":"ProgressDeadlineExceeded"}]}})"),
      "error: deployment \"d\" exceeded its progress deadline");
  EXPECT_EQ(
      text(
          R"({"kind":"DaemonSet","metadata":{"name":"d"},"status":{"desiredNumberScheduled":2,"updatedNumberScheduled":2,"numberAvailable":1}})"),
      "Waiting for daemon set \"d\" rollout to finish: 1 of 2 updated pods are available...\n");
  EXPECT_EQ(text(R"({"kind":"Pod"})"), "error: no status viewer has been implemented for Pod");
}

TEST_F(Verbs, WaitLooksUntilItIsSoOrTooLate) {
  EXPECT_EQ(run(api, {"wait", "pod/kel-1", "--for=jsonpath={.status.phase}=Running"}).out,
            "pod/kel-1 condition met\n");
  EXPECT_EQ(run(api, {"wait", "pod/kel-1", "--for=condition=Ready", "--timeout=2s"}).err,
            "error: timed out waiting for the condition on pods/kel-1\n");
  FakeConsole console;
  console.on_sleep = [&] {
    api.put(
        "/api/v1/namespaces/default/pods/kel-1",
        R"({"metadata":{"uid":"p"},"status":{"conditions":[{"type":"Ready","status":"True"}]}})");
  };
  EXPECT_EQ(run(api, {"wait", "pod/kel-1", "--for=condition=ready"}, &console).out,
            "pod/kel-1 condition met\n");
  EXPECT_EQ(run(api, {"wait", "pod/kel-1", "--for=luck"}).err,
            "error: unrecognized condition: \"luck\"\n");
}

TEST_F(Verbs, LogsChooseTheContainerAndTellIt) {
  api.stream_text("one\ntwo\n");
  const Ran ran = run(api, {"logs", "kel-1", "--tail=2", "--prefix"});
  EXPECT_EQ(ran.out, "[pod/kel-1/a] one\n[pod/kel-1/a] two\n");
  EXPECT_EQ(ran.err, "Defaulted container \"a\" out of: a, b\n");
  EXPECT_EQ(api.requests.back().path,
            "/api/v1/namespaces/default/pods/kel-1/log?container=a&tailLines=2");
  EXPECT_EQ(run(api, {"logs", "kel-1", "-c", "z"}).err,
            "error: container z is not valid for pod kel-1\n");
}

TEST_F(Verbs, ExecReturnsTheCommandsExitCode) {
  using namespace std::string_literals;
  api.incoming = {
      "\1hello\n"s, "\2oh\n"s,
      "\3"s +
          R"({"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}})"};
  Ran ran = run(api, {"exec", "kel-1", "-c", "b", "--", "sh", "-c", "exit 7"});
  EXPECT_EQ(ran.code, 7);
  EXPECT_EQ(ran.out, "hello\n");
  EXPECT_EQ(ran.err, "oh\ncommand terminated with exit code 7\n");
  EXPECT_EQ(api.connected_to,
            "/api/v1/namespaces/default/pods/kel-1/"
            "exec?command=sh&command=-c&command=exit%207&container=b&stdout=true&stderr=true");
  api.incoming = {"\3"s + R"({"status":"Success"})"};
  EXPECT_EQ(run(api, {"exec", "kel-1", "--", "true"}).code, 0);
  api.incoming = {""s, "\3not json"s};
  EXPECT_EQ(run(api, {"exec", "kel-1", "--", "true"}).code, 1);
  api.incoming.clear();
  EXPECT_EQ(run(api, {"exec", "kel-1", "--", "true"}).code, 1) << "closed without a status";
}

TEST_F(Verbs, DescribeAnyKind) {
  api.put("/api/v1/namespaces/default/configmaps/c",
          R"({"kind":"ConfigMap","metadata":{"name":"c","namespace":"default"},"data":{"a":"b"}})");
  EXPECT_EQ(run(api, {"describe", "cm", "c"}).out,
            "Name:         c\nNamespace:    default\nLabels:       <none>\nAnnotations:  "
            "<none>\n\nData\n====\na:\n----\nb\n\n\n"
            "BinaryData\n====\n\nEvents:  <none>\n");
  const Ran pod = run(api, {"describe", "pod", "kel-1"});
  EXPECT_NE(pod.out.find("Node:         n1/\n"), std::string::npos) << pod.out;
  EXPECT_NE(pod.out.find("Containers:\n  a:\n    Image:        x\n    Port:         <none>\n    "
                         "Host Port:    <none>\n    Environment:  <none>\n"),
            std::string::npos)
      << pod.out;
  for (const char* path : {"deploy/kel", "node/n1", "svc/kel", "ns/default"})
    run(api, {"describe", path});  // with most parts absent
}

TEST_F(Verbs, AnswersThatAreNoStatus) {
  api.answer("/api/v1/namespaces/default/pods/odd",
             {.status = 502, .body = "<html>bad gateway</html>"});
  EXPECT_EQ(run(api, {"get", "pod", "odd"}).err, "Error from server: <html>bad gateway</html>\n");
  api.answer("/api/v1/namespaces/default/pods/odd", {.status = 200, .body = "\x01 not json"});
  run(api, {"get", "pod", "odd", "-o", "json"});
  run(api, {"describe", "pod", "odd"});
  run(api, {"rollout", "status", "pod/odd"});
  api.answer("/apis", {.status = 200, .body = "[]"});
  EXPECT_EQ(run(api, {"get", "pods"}).code, 1);
}

TEST(Failures, InvalidObjectsNameEveryField) {
  ApiReply reply{
      .status = 422,
      .body =
          R"({"kind":"Status","reason":"Invalid","message":"m","details":{"name":"x","kind":"Pod","causes":[
    {"field":"spec.a","message":"Required value"},{"field":"spec.b","message":"Invalid value: 1"}]}})"};
  EXPECT_EQ(failure_of(reply).message,
            "The Pod \"x\" is invalid: \n* spec.a: Required value\n* spec.b: Invalid value: 1");
  EXPECT_EQ(
      failure_of({.status = 401,
                  .body = R"({"kind":"Status","reason":"Unauthorized","message":"Unauthorized"})"})
          .message,
      "error: You must be logged in to the server (Unauthorized)");
}

TEST(AllVerbs, HaveNamesAndHelpThatDoNotCollide) {
  std::set<std::string> names;
  for (const Verb& verb : all_verbs()) {
    EXPECT_TRUE(names.insert(verb.name).second) << verb.name;
    EXPECT_TRUE(Flags::parse({verb.flags, global_flags()}, {"--help"})) << verb.name;
  }
  EXPECT_GT(names.size(), 60u);
}

}  // namespace
}  // namespace keelson::cli
