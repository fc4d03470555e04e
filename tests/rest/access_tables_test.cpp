#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "core/api/json.hpp"
#include "core/rest/tables/tables.hpp"

namespace keelson::rest {
namespace {

using api::Kind;
using testing::ElementsAre;

constexpr WallTime later = {1'700'000'007'000'000'000};  // 7 s after the objects' creation

std::string cells(const std::string& head, const std::string& rest) {
  const auto decoded = api::decode_yaml(
      head + "\nmetadata: {name: x, creationTimestamp: \"2023-11-14T22:13:20Z\"}\n" + rest, "test");
  EXPECT_TRUE(decoded.ok() && decoded->size() == 1) << head;
  if (!decoded.ok() || decoded->size() != 1) return {};
  std::string out;
  append_cells(*decoded->front().object, later, out);
  return out;
}

std::vector<std::string> column_names(Kind kind) {
  std::vector<std::string> names;
  for (const Column& column : columns(kind)) {
    names.push_back(std::string(column.name) + (column.priority > 0 ? "*" : ""));
  }
  return names;
}

TEST(AccessTables, Columns) {
  EXPECT_THAT(column_names(Kind::roles), ElementsAre("Name", "Created At"));
  EXPECT_THAT(column_names(Kind::cluster_roles), ElementsAre("Name", "Created At"));
  for (const Kind kind : {Kind::role_bindings, Kind::cluster_role_bindings}) {
    EXPECT_THAT(column_names(kind),
                ElementsAre("Name", "Role", "Age", "Users*", "Groups*", "ServiceAccounts*"));
  }
  EXPECT_THAT(column_names(Kind::certificate_signing_requests),
              ElementsAre("Name", "Age", "SignerName", "Requestor", "Condition"));
  EXPECT_THAT(column_names(Kind::controller_revisions),
              ElementsAre("Name", "Controller", "Revision", "Age"));
}

TEST(AccessTables, Roles) {
  for (const std::string kind : {"Role", "ClusterRole"}) {
    EXPECT_EQ(cells("apiVersion: rbac.authorization.k8s.io/v1\nkind: " + kind, "rules: []"),
              R"(["x","2023-11-14T22:13:20Z"])");
  }
}

TEST(AccessTables, Bindings) {
  const std::string binding = R"(
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {kind: User, name: ann}
- {kind: Group, name: devs}
- {kind: ServiceAccount, namespace: ns, name: sa}
- {kind: User, name: bob}
)";
  for (const std::string kind : {"RoleBinding", "ClusterRoleBinding"}) {
    EXPECT_EQ(cells("apiVersion: rbac.authorization.k8s.io/v1\nkind: " + kind, binding),
              R"(["x","ClusterRole/view","7s","ann, bob","devs","ns/sa"])");
  }
}

TEST(AccessTables, CertificateSigningRequests) {
  const auto row = [](const std::string& rest) {
    return cells("apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest", rest);
  };
  const std::string spec = "spec: {signerName: s/c, username: ann, request: eA==, usages: []}\n";
  EXPECT_EQ(row(spec), R"(["x","7s","s/c","ann","Pending"])");
  EXPECT_EQ(row("spec: {request: eA==}"), R"(["x","7s","\u003cnone\u003e","","Pending"])");
  EXPECT_EQ(
      row(spec + "status: {certificate: eA==, conditions: [{type: Approved, status: 'True'}]}"),
      R"(["x","7s","s/c","ann","Approved,Issued"])");
  EXPECT_EQ(row(spec + "status: {conditions: [{type: Approved, status: 'True'}, "
                       "{type: Denied, status: 'True'}, {type: Failed, status: 'True'}]}"),
            R"(["x","7s","s/c","ann","Denied,Failed"])");
}

TEST(AccessTables, ControllerRevisions) {
  const auto row = [](const std::string& owner) {
    const auto decoded = api::decode_yaml(
        "apiVersion: apps/v1\nkind: ControllerRevision\n"
        "metadata: {name: x" +
            owner + "}\nrevision: 3\ndata: {}",
        "test");
    EXPECT_TRUE(decoded.ok());
    std::string out;
    if (decoded.ok()) append_cells(*decoded->front().object, later, out);
    return out;
  };
  const auto owned = [](const std::string& reference) {
    return ", ownerReferences: [{" + reference + ", name: w, uid: u}]";
  };
  EXPECT_EQ(row(""), R"(["x","\u003cnone\u003e",3,"\u003cunknown\u003e"])");
  EXPECT_EQ(row(owned("apiVersion: apps/v1, kind: DaemonSet, controller: true")),
            R"(["x","daemonset.apps/w",3,"\u003cunknown\u003e"])");
  EXPECT_EQ(row(owned("apiVersion: v1, kind: Node, controller: true")),
            R"(["x","node/w",3,"\u003cunknown\u003e"])");
  EXPECT_EQ(row(owned("apiVersion: v1, kind: Node")),
            R"(["x","\u003cnone\u003e",3,"\u003cunknown\u003e"])");
}

}  // namespace
}  // namespace keelson::rest
