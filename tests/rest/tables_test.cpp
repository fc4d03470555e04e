#include "core/rest/tables/tables.hpp"

#include "core/rest/tables/duration.hpp"
#include "core/rest/tables/printer.hpp"
#include "tests/rest/tables_fixture.hpp"

namespace keelson::rest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::string_literals;

// --- Durations
// ------------------------------------------------------------------------------------

TEST(HumanDuration, ChangesItsUnitsWhereKubernetesDoes) {
  struct Case {
    int64_t seconds;
    std::string text;
  };
  constexpr int64_t minute = 60, hour = 3600, day = 86400, year = 365 * day;
  const std::vector<Case> cases = {
      {0, "0s"},
      {1, "1s"},
      {119, "119s"},
      {120, "2m"},
      {121, "2m1s"},
      {10 * minute - 1, "9m59s"},
      {10 * minute, "10m"},
      {10 * minute + 59, "10m"},
      {3 * hour - 1, "179m"},
      {3 * hour, "3h"},
      {3 * hour + minute, "3h1m"},
      {8 * hour - 1, "7h59m"},
      {8 * hour, "8h"},
      {48 * hour - 1, "47h"},
      {48 * hour, "2d"},
      {49 * hour, "2d1h"},
      {8 * day - 1, "7d23h"},
      {8 * day, "8d"},
      {2 * year - 1, "729d"},
      {2 * year, "2y"},
      {2 * year + day, "2y1d"},
      {8 * year - 1, "7y364d"},
      {8 * year, "8y"},
      {100 * year + 30 * day, "100y"},
      {-1, "0s"},
      {-2, "<invalid>"},
      {-year, "<invalid>"},
  };
  for (const Case& c : cases) EXPECT_EQ(human_duration(Duration(c.seconds * second)), c.text);
}

TEST(HumanDuration, CutsFractionsTowardsZero) {
  EXPECT_EQ(human_duration(Duration(2 * second - 1)), "1s");
  EXPECT_EQ(human_duration(Duration(-1)), "0s");
  EXPECT_EQ(human_duration(Duration(-2 * second + 1)), "0s");
}

TEST(HumanDuration, StaysWithinItsRangeForTimesFarApart) {
  EXPECT_EQ(human_duration(elapsed_between({INT64_MIN}, {INT64_MAX})), "292y");
  EXPECT_EQ(human_duration(elapsed_between({INT64_MAX}, {INT64_MIN})), "<invalid>");
  EXPECT_EQ(human_duration(elapsed_between({0}, {5 * second})), "5s");
}

// --- Columns
// --------------------------------------------------------------------------------------

TEST(Columns, AreThoseThatClientsKnow) {
  EXPECT_THAT(column_names(Kind::pods),
              ElementsAre("Name", "Ready", "Status", "Restarts", "Age", "IP*", "Node*",
                          "Nominated Node*", "Readiness Gates*"));
  EXPECT_THAT(column_names(Kind::nodes),
              ElementsAre("Name", "Status", "Roles", "Age", "Version", "Internal-IP*",
                          "External-IP*", "OS-Image*", "Kernel-Version*", "Container-Runtime*"));
  EXPECT_THAT(column_names(Kind::deployments),
              ElementsAre("Name", "Ready", "Up-to-date", "Available", "Age", "Containers*",
                          "Images*", "Selector*"));
  EXPECT_THAT(column_names(Kind::replica_sets),
              ElementsAre("Name", "Desired", "Current", "Ready", "Age", "Containers*", "Images*",
                          "Selector*"));
  EXPECT_THAT(column_names(Kind::services), ElementsAre("Name", "Type", "Cluster-IP", "External-IP",
                                                        "Port(s)", "Age", "Selector*"));
  EXPECT_THAT(column_names(Kind::events),
              ElementsAre("Last Seen", "Type", "Reason", "Object", "Subobject*", "Source*",
                          "Message", "First Seen*", "Count*", "Name*"));
  EXPECT_THAT(column_names(Kind::endpoints), ElementsAre("Name", "Endpoints", "Age"));
  EXPECT_THAT(column_names(Kind::endpoint_slices),
              ElementsAre("Name", "AddressType", "Ports", "Endpoints", "Age"));
  EXPECT_THAT(column_names(Kind::namespaces), ElementsAre("Name", "Status", "Age"));
  EXPECT_THAT(column_names(Kind::secrets), ElementsAre("Name", "Type", "Data", "Age"));
  EXPECT_THAT(column_names(Kind::config_maps), ElementsAre("Name", "Data", "Age"));
  EXPECT_THAT(column_names(Kind::service_accounts), ElementsAre("Name", "Secrets", "Age"));
  EXPECT_THAT(column_names(Kind::leases), ElementsAre("Name", "Holder", "Age"));
  EXPECT_THAT(
      column_names(Kind::pod_disruption_budgets),
      ElementsAre("Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"));
  EXPECT_THAT(column_names(Kind::network_policies), ElementsAre("Name", "Pod-Selector", "Age"));
  EXPECT_THAT(column_names(Kind::priority_classes),
              ElementsAre("Name", "Value", "Global-Default", "Age"));
}

TEST(Columns, OneNamesTheRow) {
  for (const api::KindInfo& kind : api::all_kinds()) {
    int named = 0;
    for (const Column& column : columns(kind.kind)) {
      if (column.format == "name") ++named;
      EXPECT_FALSE(column.description.empty()) << kind.name << " " << column.name;
      EXPECT_TRUE(column.priority == 0 || column.priority == 1);
    }
    EXPECT_EQ(named, 1) << kind.name;
  }
}

TEST(Columns, EachHasItsCell) {
  for (const api::KindInfo& kind : api::all_kinds()) {
    const api::Object empty(kind.kind, api::new_message(kind.kind));
    const boost::json::value row = parsed(cells(empty));
    EXPECT_EQ(row.as_array().size(), columns(kind.kind).size()) << kind.name;
    for (std::size_t i = 0; i < columns(kind.kind).size(); ++i) {
      const Column& column = columns(kind.kind)[i];
      EXPECT_TRUE(column.type != "integer" || row.as_array()[i].is_int64()) << column.name;
      EXPECT_TRUE(column.type != "boolean" || row.as_array()[i].is_bool()) << column.name;
    }
  }
}

TEST(Columns, KindsWithoutTheirOwnShowWhenTheyWereCreated) {
  std::string out;
  Cells row(out, later);
  any_kind_printer().cells(*ObjectPtr(test::PodBuilder("p").created(start)), row);
  row.end();
  EXPECT_EQ(out, R"(["p","2023-11-14T22:13:20Z"])");
  ASSERT_EQ(any_kind_printer().columns.size(), 2u);
  EXPECT_EQ(any_kind_printer().columns[1].name, "Created At");
  EXPECT_EQ(any_kind_printer().columns[1].type, "date");
}

// --- Other kinds
// ----------------------------------------------------------------------------------

// metadata that makes a row's age 7s
std::string meta(const std::string& name) {
  return "metadata: {name: " + name +
         ", namespace: default, creationTimestamp: \"2023-11-14T22:13:20Z\"}\n";
}

TEST(Ages, CountFromCreation) {
  const std::string no_time = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n";
  EXPECT_EQ(cells(no_time + "status: {phase: Active}"), R"(["a","Active","\u003cunknown\u003e"])");
  const std::string ns = "apiVersion: v1\nkind: Namespace\n" + meta("a") + "status: {}\n";
  EXPECT_EQ(cells(ns), R"(["a","","7s"])");
  EXPECT_EQ(cells(ns, {(start - 1) * second}), R"(["a","","0s"])");
  EXPECT_EQ(cells(ns, {(start - 2) * second}), R"(["a","","\u003cinvalid\u003e"])");
}

TEST(Nodes, Row) {
  EXPECT_EQ(cells(R"(
apiVersion: v1
kind: Node
metadata: {name: n1, creationTimestamp: "2023-11-14T22:13:20Z"}
status:
  conditions: [{type: MemoryPressure, status: 'False'}, {type: Ready, status: 'True'}]
  addresses: [{type: Hostname, address: n1}, {type: InternalIP, address: 192.0.2.10}]
  nodeInfo: {kubeletVersion: v1.20.2, osImage: Debian GNU/Linux 12 (bookworm), kernelVersion: 6.1.0,
    containerRuntimeVersion: "containerd://1.6.20"}
)"),
            R"(["n1","Ready","\u003cnone\u003e","7s","v1.20.2","192.0.2.10","\u003cnone\u003e",)"
            R"-("Debian GNU/Linux 12 (bookworm)","6.1.0","containerd://1.6.20"])-");
}

TEST(Nodes, StatusAndRoles) {
  const auto first = [](const std::string& rest) {
    const boost::json::value row = parsed(cells("apiVersion: v1\nkind: Node\n" + rest));
    return std::string(row.as_array().at(1).as_string()) + " " +
           std::string(row.as_array().at(2).as_string());
  };
  EXPECT_EQ(first("metadata: {name: n1}"), "Unknown <none>");
  EXPECT_EQ(first("spec: {unschedulable: true}\n"
                  "status: {conditions: [{type: Ready, status: Unknown}]}"),
            "NotReady,SchedulingDisabled <none>");
  EXPECT_EQ(first("spec: {unschedulable: true}\n"
                  "status: {conditions: [{type: Ready, status: 'True'}]}"),
            "Ready,SchedulingDisabled <none>");
  EXPECT_EQ(first("metadata: {labels: {node-role.kubernetes.io/worker: '', "
                  "node-role.kubernetes.io/control-plane: 'x', node-role.kubernetes.io/: '', "
                  "kubernetes.io/role: worker}}"),
            "Unknown control-plane,worker");
  const boost::json::value row = parsed(cells("apiVersion: v1\nkind: Node\nmetadata: {name: n1}"));
  EXPECT_EQ(row.as_array().at(7).as_string(), "<unknown>");
}

const std::string pods_of_two =
    "  template: {metadata: {labels: {run: kel}}, spec: {containers: [{name: kel, image: "
    "'nginx:1'}, "
    "{name: log, image: 'fluent:2'}]}}\n";

TEST(Workloads, Deployment) {
  EXPECT_EQ(cells("apiVersion: apps/v1\nkind: Deployment\n" + meta("kel") +
                  "spec:\n  replicas: 3\n  selector: {matchLabels: {run: kel}}\n" + pods_of_two +
                  "status: {readyReplicas: 4, updatedReplicas: 1, availableReplicas: 2}"),
            R"(["kel","4/3",1,2,"7s","kel,log","nginx:1,fluent:2","run=kel"])");
}

TEST(Workloads, ReplicaSet) {
  EXPECT_EQ(cells("apiVersion: apps/v1\nkind: ReplicaSet\n" + meta("kel-1") +
                  "spec:\n  replicas: 3\n  selector: {matchLabels: {run: kel, "
                  "pod-template-hash: '54'}}\n" +
                  pods_of_two + "status: {replicas: 2, readyReplicas: 1}"),
            R"(["kel-1",3,2,1,"7s","kel,log","nginx:1,fluent:2","pod-template-hash=54,run=kel"])");
}

TEST(Workloads, Selectors) {
  const auto selector = [](const std::string& kind, const std::string& text) {
    const boost::json::value row =
        parsed(cells("apiVersion: apps/v1\nkind: " + kind + "\nspec: {selector: {" + text + "}}"));
    return std::string(row.as_array().at(7).as_string());
  };
  const std::string expressions =
      "matchLabels: {b: '1'}, matchExpressions: [{key: c, operator: NotIn, values: [z, w]}, "
      "{key: a, operator: In, values: [x]}, {key: d, operator: Exists}, "
      "{key: e, operator: DoesNotExist}]";
  EXPECT_EQ(selector("Deployment", expressions), "a in (x),b=1,c notin (w,z),d,!e");
  EXPECT_EQ(selector("ReplicaSet", expressions), "a in (x),b=1,c notin (w,z),d,!e");
  EXPECT_EQ(selector("Deployment", ""), "");
  EXPECT_EQ(selector("ReplicaSet", ""), "<none>");
  for (const std::string wrong : {"{key: a, operator: Like, values: [x]}", "{key: a, operator: In}",
                                  "{key: a, operator: Exists, values: [x]}"}) {
    EXPECT_EQ(selector("Deployment", "matchExpressions: [" + wrong + "]"), "<invalid>");
    EXPECT_EQ(selector("ReplicaSet", "matchExpressions: [" + wrong + "]"), "<error>");
  }
}

TEST(Workloads, PodDisruptionBudget) {
  const std::string head = "apiVersion: policy/v1\nkind: PodDisruptionBudget\n" + meta("b");
  EXPECT_EQ(cells(head + "spec: {minAvailable: 2}\nstatus: {disruptionsAllowed: 1}"),
            R"(["b","2","N/A",1,"7s"])");
  EXPECT_EQ(cells(head + "spec: {maxUnavailable: 50%}"), R"(["b","N/A","50%",0,"7s"])");
  EXPECT_EQ(cells(head + "spec: {}"), R"(["b","N/A","N/A",0,"7s"])");
}

TEST(Services, Row) {
  EXPECT_EQ(cells("apiVersion: v1\nkind: Service\n" + meta("kel") +
                  "spec: {type: NodePort, clusterIP: 10.0.0.61, clusterIPs: [10.0.0.61], "
                  "selector: {run: kel, app: a}, ports: [{port: 80, nodePort: 30110, "
                  "protocol: TCP}, {port: 53, protocol: UDP}]}"),
            R"(["kel","NodePort","10.0.0.61","\u003cnone\u003e","80:30110/TCP,53/UDP","7s",)"
            R"("app=a,run=kel"])");
  EXPECT_EQ(cells("apiVersion: v1\nkind: Service\n" + meta("k") +
                  "spec: {type: ClusterIP, "
                  "clusterIP: None}"),
            R"(["k","ClusterIP","None","\u003cnone\u003e","\u003cnone\u003e","7s",)"
            R"("\u003cnone\u003e"])");
}

TEST(Services, ExternalAddresses) {
  const auto external = [](const std::string& rest) {
    const boost::json::value row = parsed(cells("apiVersion: v1\nkind: Service\n" + rest));
    return std::string(row.as_array().at(3).as_string());
  };
  EXPECT_EQ(external("spec: {type: ClusterIP, externalIPs: [1.1.1.1, 1.1.1.2]}"),
            "1.1.1.1,1.1.1.2");
  EXPECT_EQ(external("spec: {type: ExternalName, externalName: example.org}"), "example.org");
  EXPECT_EQ(external("spec: {type: LoadBalancer}"), "<pending>");
  EXPECT_EQ(external("spec: {type: LoadBalancer, externalIPs: [1.1.1.1]}"), "1.1.1.1");
  EXPECT_EQ(
      external("spec: {type: LoadBalancer, externalIPs: [1.1.1.1]}\n"
               "status: {loadBalancer: {ingress: [{hostname: lb-with-a-long-name.example.org}, "
               "{ip: 9.9.9.9}, {ip: 9.9.9.9}, {}]}}"),
      "9.9.9.9,lb-with-a-long-name.example.org,1.1.1.1");
  EXPECT_EQ(external("spec: {type: Strange}"), "<unknown>");
}

TEST(Endpoints, ThreeAreShown) {
  const auto addresses = [](const std::string& subsets) {
    const boost::json::value row = parsed(
        cells("apiVersion: v1\nkind: Endpoints\n" + meta("e") + "subsets: [" + subsets + "]"));
    EXPECT_EQ(row.as_array().at(2).as_string(), "7s");
    return std::string(row.as_array().at(1).as_string());
  };
  EXPECT_EQ(addresses(""), "<none>");
  EXPECT_EQ(addresses("{notReadyAddresses: [{ip: 10.0.0.1}], ports: [{port: 80}]}"), "");
  EXPECT_EQ(addresses("{addresses: [{ip: 10.1.0.5}, {ip: 10.1.0.6}, {ip: 10.1.0.7}], "
                      "ports: [{port: 80}]}"),
            "10.1.0.5:80,10.1.0.6:80,10.1.0.7:80");
  EXPECT_EQ(addresses("{addresses: [{ip: 10.1.0.5}, {ip: 10.1.0.6}], "
                      "ports: [{port: 80}, {port: 443}]}, {addresses: [{ip: 10.1.0.9}]}"),
            "10.1.0.5:80,10.1.0.6:80,10.1.0.5:443 + 2 more...");
  EXPECT_EQ(addresses("{addresses: [{ip: 10.1.0.5}]}"), "10.1.0.5");
  EXPECT_EQ(addresses("{addresses: [{ip: 'fd00::5'}], ports: [{port: 80}]}"), "[fd00::5]:80");
}

TEST(NetworkPolicies, Row) {
  const std::string head =
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n" + meta("p");
  EXPECT_EQ(cells(head + "spec: {podSelector: {}}"), R"(["p","\u003cnone\u003e","7s"])");
  EXPECT_EQ(cells(head + "spec: {podSelector: {matchLabels: {app: db}}}"),
            R"(["p","app=db","7s"])");
}

TEST(EndpointSlices, Row) {
  const std::string head =
      "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n" + meta("s") + "addressType: IPv4\n";
  EXPECT_EQ(cells(head + "ports: [{port: 80}, {name: web}, {}, {port: 1}]\nendpoints: "
                         "[{addresses: [10.0.0.1, 10.0.0.2]}, {addresses: [10.0.0.3, 10.0.0.4]}]"),
            R"(["s","IPv4","80,web,* + 1 more...","10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...","7s"])");
  EXPECT_EQ(cells(head), R"(["s","IPv4","\u003cunset\u003e","\u003cunset\u003e","7s"])");
}

TEST(Events, OlderDialect) {
  EXPECT_EQ(cells("apiVersion: v1\nkind: Event\n" + meta("n1.18") +
                  "involvedObject: {kind: Node, name: n1, fieldPath: 'spec.containers{c}'}\n"
                  "type: Normal\nreason: RegisteredNode\nmessage: \" it came\\n\"\n"
                  "source: {component: node-controller}\ncount: 3\n"
                  "firstTimestamp: 2023-11-14T22:13:17Z\nlastTimestamp: 2023-11-14T22:13:25Z"),
            R"(["2s","Normal","RegisteredNode","node/n1","spec.containers{c}","node-controller",)"
            R"("it came","10s",3,"n1.18"])");
}

TEST(Events, NewerDialect) {
  const std::string event =
      "apiVersion: v1\nkind: Event\n" + meta("big.18") +
      "involvedObject: {kind: Pod, name: big}\ntype: Warning\nreason: FailedScheduling\n"
      "message: 0/2 nodes\nreportingComponent: default-scheduler\n"
      "reportingInstance: default-scheduler-vm\neventTime: 2023-11-14T22:13:26.500000Z\n";
  EXPECT_EQ(cells(event),
            R"(["0s","Warning","FailedScheduling","pod/big","",)"
            R"("default-scheduler, default-scheduler-vm","0/2 nodes","0s",1,"big.18"])");
  EXPECT_EQ(cells(event + "series: {count: 12, lastObservedTime: 2023-11-14T22:13:25.000000Z}",
                  {(start + 67) * second}),
            R"(["62s","Warning","FailedScheduling","pod/big","",)"
            R"("default-scheduler, default-scheduler-vm","0/2 nodes","60s",12,"big.18"])");
}

TEST(Events, WithoutTimesAndNames) {
  EXPECT_EQ(cells("apiVersion: v1\nkind: Event\ninvolvedObject: {kind: Node}"),
            R"(["\u003cunknown\u003e","","","node","","","","\u003cunknown\u003e",1,""])");
}

TEST(SmallKinds, Rows) {
  EXPECT_EQ(cells("apiVersion: v1\nkind: Namespace\n" + meta("a") + "status: {phase: Terminating}"),
            R"(["a","Terminating","7s"])");
  EXPECT_EQ(cells("apiVersion: v1\nkind: Secret\n" + meta("a") + "type: Opaque\ndata: {k: dg==}"),
            R"(["a","Opaque",1,"7s"])");
  EXPECT_EQ(cells("apiVersion: v1\nkind: ConfigMap\n" + meta("a") +
                  "data: {k: v, l: w}\nbinaryData: {m: dg==}"),
            R"(["a",3,"7s"])");
  EXPECT_EQ(cells("apiVersion: v1\nkind: ServiceAccount\n" + meta("a") + "secrets: [{name: s}]"),
            R"(["a",1,"7s"])");
  EXPECT_EQ(cells("apiVersion: coordination.k8s.io/v1\nkind: Lease\n" + meta("a") +
                  "spec: {holderIdentity: me}"),
            R"(["a","me","7s"])");
  EXPECT_EQ(cells("apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\n" + meta("a") +
                  "value: -5\nglobalDefault: true"),
            R"(["a",-5,true,"7s"])");
}

// --- Whole answers
// --------------------------------------------------------------------------------

std::vector<ObjectPtr> two_namespaces() {
  const std::string head = "apiVersion: v1\nkind: Namespace\nmetadata: {name: ";
  const std::string tail =
      ", creationTimestamp: \"2023-11-14T22:13:20Z\"}\nstatus: {phase: Active}";
  return {object(head + "a" + tail)->at({1, 11}), object(head + "b" + tail)->at({1, 12})};
}

TEST(Table, List) {
  const std::vector<ObjectPtr> items = two_namespaces();
  const std::string table = encode_table(Kind::namespaces, items, {"232", "next", 4}, later);
  EXPECT_THAT(table, StartsWith(R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":)"
                                R"({"resourceVersion":"232","continue":"next",)"
                                R"("remainingItemCount":4},"columnDefinitions":[{"name":"Name",)"
                                R"("type":"string","format":"name","description":")"));
  EXPECT_THAT(
      table,
      HasSubstr(
          R"("priority":0}],"rows":[{"cells":["a","Active","7s"],"object":{"kind":)"
          R"("PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a",)"
          R"("resourceVersion":"11","creationTimestamp":"2023-11-14T22:13:20Z"}}},)"
          R"({"cells":["b",)"));
  const boost::json::value tree = parsed(table);
  EXPECT_EQ(tree.at("columnDefinitions").as_array().size(), 3u);
  EXPECT_EQ(tree.at("rows").as_array().size(), 2u);
}

TEST(Table, EmptyListHasRows) {
  const std::string table = encode_table(Kind::pods, {}, {.revision = "5"}, later);
  EXPECT_THAT(table, HasSubstr(R"("metadata":{"resourceVersion":"5"})"));
  EXPECT_THAT(table, HasSubstr(R"("rows":[]})"));
}

TEST(Table, WatchEventHasItsObjectsRevisionAndNoColumns) {
  const std::vector<ObjectPtr> items = {two_namespaces()[0]};
  EXPECT_EQ(encode_table(Kind::namespaces, items, {}, later, {.with_columns = false}),
            R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"11"},)"
            R"("columnDefinitions":null,"rows":[{"cells":["a","Active","7s"],"object":{"kind":)"
            R"("PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a",)"
            R"("resourceVersion":"11","creationTimestamp":"2023-11-14T22:13:20Z"}}}]})");
}

TEST(Table, ObjectNeverStoredHasNoRevision) {
  const std::vector<ObjectPtr> items = {two_namespaces()[0]->at({})};
  EXPECT_THAT(encode_table(Kind::namespaces, items, {}, later), HasSubstr(R"("metadata":{},)"));
}

TEST(Table, IncludesAsMuchOfTheObjectAsWanted) {
  const std::vector<ObjectPtr> items = {two_namespaces()[0]};
  const auto row = [&](IncludeObject include, std::string_view version) {
    const std::string table =
        encode_table(Kind::namespaces, items, {}, later, {.include = include, .version = version});
    return boost::json::serialize(parsed(table).at("rows").at(0).at("object"));
  };
  EXPECT_EQ(row(IncludeObject::none, "v1"), "null");
  EXPECT_THAT(row(IncludeObject::metadata, "v1beta1"),
              StartsWith(R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1beta1",)"));
  EXPECT_EQ(row(IncludeObject::object, "v1beta1"), api::encode_object(*items[0]));
  const auto shorter = [](const api::Object& object, std::string& out) {
    out += "{\"n\":\"" + object.name() + "\"}";
  };
  EXPECT_THAT(encode_table(Kind::namespaces, items, {}, later,
                           {.include = IncludeObject::object, .append_object = shorter}),
              HasSubstr(R"("object":{"n":"a"}}]})"));
}

TEST(Table, VersionIsThatOfTheRequest) {
  EXPECT_THAT(encode_table(Kind::pods, {}, {}, later, {.version = "v1beta1"}),
              StartsWith(R"({"kind":"Table","apiVersion":"meta.k8s.io/v1beta1","metadata":{},)"));
}

TEST(Table, FinishedPodsAreMarked) {
  const std::vector<ObjectPtr> items = {pod("", "phase: Failed"), pod("", "phase: Running")};
  const boost::json::value rows = parsed(encode_table(Kind::pods, items, {}, later)).at("rows");
  EXPECT_EQ(rows.at(0).at("conditions").at(0).at("reason").as_string(), "Failed");
  EXPECT_FALSE(rows.at(1).as_object().contains("conditions"));
}

TEST(Table, WhateverObjectsSayIsEscaped) {
  api::Event event;
  event.mutable_metadata()->set_name("e\"\\");
  event.set_message("a\0b\x1b[31m <&> \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x90\xB3 \xFF"s);
  const std::vector<ObjectPtr> items = {api::make_object(event)};
  const std::string table = encode_table(Kind::events, items, {"1\"", "c\n", {}}, later);
  for (const char c : table) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
  const boost::json::value tree = parsed(table);
  const boost::json::value& row = tree.at("rows").at(0).at("cells");
  EXPECT_EQ(row.at(9).as_string(), "e\"\\");
  EXPECT_EQ(row.at(6).as_string(),
            "a\0b\x1b[31m <&> \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x90\xB3 \xEF\xBF\xBD"s);
  EXPECT_EQ(tree.at("metadata").at("continue").as_string(), "c\n");
  EXPECT_THAT(table, Not(HasSubstr("<")));
}

TEST(PartialMetadata, Object) {
  EXPECT_EQ(encode_partial_metadata(*two_namespaces()[0]),
            R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":)"
            R"({"name":"a","resourceVersion":"11","creationTimestamp":"2023-11-14T22:13:20Z"}})");
}

TEST(PartialMetadata, List) {
  const std::vector<ObjectPtr> items = two_namespaces();
  const std::string list = encode_partial_metadata_list(items, {"245", {}, {}}, "v1beta1");
  EXPECT_THAT(list, StartsWith(R"({"kind":"PartialObjectMetadataList",)"
                               R"("apiVersion":"meta.k8s.io/v1beta1","metadata":)"
                               R"({"resourceVersion":"245"},"items":[{"kind":)"
                               R"("PartialObjectMetadata","apiVersion":"meta.k8s.io/v1beta1",)"));
  EXPECT_EQ(parsed(list).at("items").as_array().size(), 2u);
  EXPECT_THAT(encode_partial_metadata_list({}, {}), HasSubstr(R"("metadata":{},"items":[]})"));
}

TEST(PartialMetadata, HasAllOfTheMetadata) {
  const ObjectPtr full = object(R"(
apiVersion: v1
kind: ConfigMap
metadata:
  name: c
  namespace: default
  generation: 2
  labels: {b: x, a: z}
  annotations: {n: "1"}
  ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: u, controller: true}]
  finalizers: [f]
  managedFields: [{manager: m, operation: Update, apiVersion: v1, fieldsType: FieldsV1,
    fieldsV1: {"f:data": {}}}]
data: {k: v}
)");
  const boost::json::value tree = parsed(encode_partial_metadata(*full));
  EXPECT_EQ(boost::json::serialize(tree.at("metadata")),
            boost::json::serialize(parsed(api::encode_object(*full)).at("metadata")));
  EXPECT_FALSE(tree.as_object().contains("data"));
}

TEST(PartialMetadata, DoesNotTrustFieldSetsThatCameAsBytes) {
  const std::vector<std::string> wrong = {"",    "{",       "{}}",      "{\"a\":1e999}",
                                          "a b", "{\"a\"}", "\"\x01\"", std::string(500, '[')};
  for (const std::string& raw : wrong) {
    api::Pod pod;
    pod.mutable_metadata()->add_managed_fields()->mutable_fields_v1()->set_raw(raw);
    EXPECT_THAT(encode_partial_metadata(*api::make_object(pod)), HasSubstr(R"("fieldsV1":null)"))
        << raw;
  }
  api::Pod pod;
  pod.mutable_metadata()->add_managed_fields()->mutable_fields_v1()->set_raw(R"({"f:a":[1,-2.5]})");
  EXPECT_THAT(encode_partial_metadata(*api::make_object(pod)),
              HasSubstr(R"("fieldsV1":{"f:a":[1,-2.5]})"));
}

}  // namespace
}  // namespace keelson::rest
