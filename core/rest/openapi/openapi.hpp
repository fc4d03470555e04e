// What the API looks like, told to clients: OpenAPI 2 as JSON and as protobuf, and OpenAPI 3, one
// document for each group version. All of it follows from the messages' descriptors, their options
// and the comments of the .proto files; see README.md.
#pragma once

#include <google/protobuf/descriptor.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace keelson::rest {

// A line of discovery: a resource or a subresource, and what can be done with it.
struct ServedResource {
  // Where it is served: "apps", "v1" is /apis/apps/v1; "" is the core group, /api/v1.
  std::string group, version;
  std::string kind;    // of the bodies: "Deployment", and "Scale" for its scale
  std::string plural;  // "deployments", for its subresources too
  bool namespaced = true;
  std::vector<std::string>
      verbs;                // "get", "list", "watch", "create", "update", "patch", "delete", ...
  std::string subresource;  // "", "status", "scale", ...
  // The type of the bodies; null where they are no objects (log, exec, proxy).
  const google::protobuf::Descriptor* message = nullptr;
  // What the bodies say: "autoscaling/v1" for a scale; empty: as the path. Where that is not what
  // the message is made for, its definition is named after this and has the members that
  // versions.hpp renames.
  std::string kind_api_version;
};

// Nothing is built before it is first asked for: a server that nobody asks spends no memory on it.
// Each document then stays, a few MiB in all. Not thread-safe. References and pointers stay valid
// as long as the OpenApi.
class OpenApi {
 public:
  // `version` is what the documents call the server's version: that of /version.
  explicit OpenApi(std::vector<ServedResource> resources, std::string version);
  ~OpenApi();

  // GET /openapi/v2. Without a "@" in their Content-Type: Go's clients cannot read one.
  const std::string& v2_json();
  const std::string& v2_protobuf();       // an openapi.v2.Document
  const std::string& v2_etag();           // of the JSON, in quotes
  const std::string& v2_protobuf_etag();  // of the protobuf, in quotes

  // GET /openapi/v3: {"paths":{"api/v1":{"serverRelativeURL":"/openapi/v3/api/v1?hash=..."}}}. The
  // hash is that of the document: who asks with it may keep the answer for ever.
  std::string v3_index();
  // GET /openapi/v3/api/v1 and /openapi/v3/apis/apps/v1, without the slash in front:
  // "apis/apps/v1". nullptr: not served.
  const std::string* v3(std::string_view group_version_path);
  // The document's hash, without quotes; empty: not served.
  std::string_view v3_hash(std::string_view group_version_path);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::rest
