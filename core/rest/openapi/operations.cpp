#include "core/rest/openapi/operations.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/api/types.hpp"
#include "core/rest/openapi/descriptions.hpp"
#include "core/rest/openapi/names.hpp"
#include "core/rest/openapi/parameters.hpp"
#include "core/rest/openapi/schemas.hpp"

namespace keelson::rest::openapi {
namespace {

constexpr std::array<std::string_view, 3> object_types = {"application/json", "application/yaml",
                                                          "application/vnd.kubernetes.protobuf"};
constexpr std::array<std::string_view, 2> stream_types = {
    "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"};
constexpr std::array<std::string_view, 4> patch_types = {
    "application/json-patch+json", "application/merge-patch+json",
    "application/strategic-merge-patch+json", "application/apply-patch+yaml"};
constexpr std::array<std::string_view, 2> text_types = {"text/plain", "application/json"};

template <std::size_t N>
void append(const std::array<std::string_view, N>& types, std::vector<std::string_view>& out) {
  out.insert(out.end(), types.begin(), types.end());
}

bool has(const ServedResource& resource, std::string_view verb) {
  return std::find(resource.verbs.begin(), resource.verbs.end(), verb) != resource.verbs.end();
}

class Builder {
 public:
  Builder(const std::vector<ServedResource>& resources, Model& model)
      : resources_(resources), model_(model), schemas_(descriptions_, model.definitions) {}

  void build() {
    status_ = schemas_.define_kind(*api::Status::descriptor(), {}, {"", "v1", "Status"});
    delete_options_ = schemas_.define(*api::DeleteOptions::descriptor(), {});
    patch_ = schemas_.define_patch();
    for (const ServedResource& resource : resources_) {
      // Options of deletion are sent in the name of whatever group the object belongs to.
      schemas_.define_kind(*api::DeleteOptions::descriptor(), {},
                           {resource.group, resource.version, "DeleteOptions"});
      if (resource.subresource.empty()) {
        add_resource(resource);
      } else {
        add_subresource(resource);
      }
    }
  }

 private:
  // What all operations of a resource have in common.
  struct Context {
    const ServedResource& resource;
    std::string base;      // "/api/v1/namespaces/{namespace}/pods"
    std::string object;    // "NamespacedPod": the part of operation ids
    std::string id_group;  // "CoreV1"
    GroupVersionKind kind;
    std::string body;  // definition; empty: no object
    std::string list;
  };

  // The kind as its bodies say it.
  static GroupVersionKind kind_of(const ServedResource& resource) {
    const std::string& api_version = resource.kind_api_version;
    if (api_version.empty()) return {resource.group, resource.version, resource.kind};
    const std::size_t slash = api_version.find('/');
    if (slash == std::string::npos) return {"", api_version, resource.kind};
    return {api_version.substr(0, slash), api_version.substr(slash + 1), resource.kind};
  }

  static VersionAlias alias_of(const ServedResource& resource, const GroupVersionKind& kind) {
    const std::string& own = api::plan_of(*resource.message).api_version;
    const std::string served = kind.group.empty() ? kind.version : kind.group + "/" + kind.version;
    if (own.empty() || own == served) return {};
    const std::size_t slash = own.find('/');
    const bool same_group = kind.group == (slash == std::string::npos ? "" : own.substr(0, slash));
    return {resource.message->file()->package(), same_group ? "" : resource.message->name(),
            kind.group, kind.version};
  }

  Context context(const ServedResource& resource) {
    Context c{resource, {}, {}, {}, kind_of(resource), {}, {}};
    c.base = "/" + group_version_path(resource.group, resource.version);
    if (resource.namespaced) c.base += "/namespaces/{namespace}";
    c.base += "/" + resource.plural;
    c.object = (resource.namespaced ? "Namespaced" : "") + owner_kind(resource);
    c.id_group = id_part(resource.group, resource.version);
    if (resource.message == nullptr) return c;
    const VersionAlias alias = alias_of(resource, c.kind);
    c.body = schemas_.define_kind(*resource.message, alias, c.kind);
    if (has(resource, "list") && resource.subresource.empty()) {
      c.list = schemas_.define_list(*resource.message, alias, c.kind, resource.plural);
    }
    return c;
  }

  // The kind whose resource or subresource this is.
  std::string owner_kind(const ServedResource& resource) const {
    for (const ServedResource& other : resources_) {
      if (other.subresource.empty() && other.plural == resource.plural &&
          other.group == resource.group && other.version == resource.version) {
        return other.kind;
      }
    }
    return resource.kind;
  }

  Path& path(const Context& c, const std::string& text) {
    Path& path = model_.paths[text];
    if (!path.group_version.empty()) return path;
    path.group_version = group_version_path(c.resource.group, c.resource.version);
    if (text.find("{name}") != std::string::npos) path.parameters.push_back(&name_parameter());
    if (text.find("{namespace}") != std::string::npos) {
      path.parameters.push_back(&namespace_parameter());
    }
    if (text.find("{path}") != std::string::npos) path.parameters.push_back(&path_parameter());
    return path;
  }

  Operation& add(const Context& c, const std::string& where, std::string_view method) {
    Path& place = path(c, where);
    Operation& operation = place.operations.emplace_back();
    operation.method = method;
    operation.tag = tag_of(c.resource.group, c.resource.version);
    operation.kind = c.kind;
    return operation;
  }

  Operation& add_action(const Context& c, const std::string& where, Action action,
                        std::string_view method, std::string_view name) {
    Operation& operation = add(c, where, method);
    operation.action = name;
    const auto parameters = query_parameters(action);
    operation.parameters.assign(parameters.begin(), parameters.end());
    operation.parameters.push_back(&pretty_parameter());
    std::sort(operation.parameters.begin(), operation.parameters.end(),
              [](const Parameter* a, const Parameter* b) { return a->name < b->name; });
    append(object_types, operation.produces);
    return operation;
  }

  static void answer(Operation& operation, std::string_view code, const std::string& definition) {
    std::string_view text = "OK";
    if (code == "201") text = "Created";
    if (code == "202") text = "Accepted";
    operation.answers.push_back({code, text, definition, false});
  }

  void add_resource(const ServedResource& resource) {
    const Context c = context(resource);
    const std::string a_kind = resource.kind;
    if (has(resource, "list")) {
      add_list(c, c.base, "list" + c.id_group + c.object);
      if (resource.namespaced) {
        const std::string all =
            "/" + group_version_path(resource.group, resource.version) + "/" + resource.plural;
        add_list(c, all, "list" + c.id_group + resource.kind + "ForAllNamespaces");
      }
    }
    if (has(resource, "create")) {
      add_create(c, c.base, "create" + c.id_group + c.object, "create a " + a_kind);
    }
    if (has(resource, "deletecollection")) {
      Operation& o = add_action(c, c.base, Action::remove_collection, "delete", "deletecollection");
      o.id = "delete" + c.id_group + "Collection" + c.object;
      o.description = "delete a selection of " + resource.plural;
      o.body = delete_options_;
      answer(o, "200", status_);
    }
    add_item(c, c.base + "/{name}", "", "the specified " + a_kind);
    if (has(resource, "delete")) {
      Operation& o = add_action(c, c.base + "/{name}", Action::remove, "delete", "delete");
      o.id = "delete" + c.id_group + c.object;
      o.description = "delete a " + a_kind;
      o.body = delete_options_;
      answer(o, "200", status_);
      answer(o, "202", status_);
    }
  }

  void add_list(const Context& c, const std::string& where, std::string id) {
    Operation& o = add_action(c, where, Action::list, "get", "list");
    o.id = std::move(id);
    o.description = "list or watch objects of kind " + c.resource.kind;
    append(stream_types, o.produces);
    answer(o, "200", c.list);
  }

  void add_create(const Context& c, const std::string& where, std::string id, std::string what) {
    Operation& o = add_action(c, where, Action::create, "post", "post");
    o.id = std::move(id);
    o.description = std::move(what);
    o.body = c.body;
    o.body_required = true;
    for (const char* code : {"200", "201", "202"}) answer(o, code, c.body);
  }

  // get, update and patch, of an object or a part of it.
  void add_item(const Context& c, const std::string& where, const std::string& suffix,
                const std::string& what) {
    const std::string id = c.id_group + c.object + suffix;
    if (has(c.resource, "get")) {
      Operation& o = add_action(c, where, Action::read, "get", "get");
      o.id = "read" + id;
      o.description = "read " + what;
      answer(o, "200", c.body);
    }
    if (has(c.resource, "update")) {
      Operation& o = add_action(c, where, Action::replace, "put", "put");
      o.id = "replace" + id;
      o.description = "replace " + what;
      o.body = c.body;
      o.body_required = true;
      answer(o, "200", c.body);
      answer(o, "201", c.body);
    }
    if (has(c.resource, "patch")) {
      Operation& o = add_action(c, where, Action::patch, "patch", "patch");
      o.id = "patch" + id;
      o.description = "change parts of " + what;
      o.body = patch_;
      o.body_required = true;
      append(patch_types, o.consumes);
      answer(o, "200", c.body);
      answer(o, "201", c.body);
    }
  }

  void add_subresource(const ServedResource& resource) {
    const Context c = context(resource);
    const std::string& name = resource.subresource;
    const std::string where = c.base + "/{name}/" + name;
    const std::string what = name + " of the specified " + owner_kind(resource);
    if (resource.message == nullptr) {
      if (name == "log") return add_log(c, where, what);
      add_connect(c, where, "");
      if (name == "proxy") add_connect(c, where + "/{path}", "WithPath");
      return;
    }
    add_item(c, where, capitalised(name), what);
    if (has(resource, "create")) {
      add_create(c, where, "create" + c.id_group + c.object + capitalised(name), "create " + what);
    }
  }

  void add_log(const Context& c, const std::string& where, const std::string& what) {
    if (!has(c.resource, "get")) return;
    Operation& o = add(c, where, "get");
    o.action = "get";
    o.id = "read" + c.id_group + c.object + "Log";
    o.description = "read " + what;
    const auto parameters = connect_parameters("log");
    o.parameters.assign(parameters.begin(), parameters.end());
    append(text_types, o.produces);
    o.answers.push_back({"200", "OK", "", true});
  }

  // Requests that reach through to something else, in whatever way that is spoken to.
  void add_connect(const Context& c, const std::string& where, const std::string& suffix) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> methods = {
        {{"get", "get"},
         {"update", "put"},
         {"create", "post"},
         {"delete", "delete"},
         {"patch", "patch"}}};
    for (const auto& [verb, method] : methods) {
      if (!has(c.resource, verb)) continue;
      Operation& o = add(c, where, method);
      o.action = "connect";
      o.id = "connect" + c.id_group + capitalised(method) + c.object +
             capitalised(c.resource.subresource) + suffix;
      o.description =
          "connect to " + c.resource.subresource + " of the specified " + owner_kind(c.resource);
      if (suffix.empty()) {
        const auto parameters = connect_parameters(c.resource.subresource);
        o.parameters.assign(parameters.begin(), parameters.end());
      }
      o.produces.push_back("*/*");
      o.answers.push_back({"200", "OK", "", true});
    }
  }

  const std::vector<ServedResource>& resources_;
  Model& model_;
  Descriptions descriptions_;
  SchemaBuilder schemas_;
  std::string status_, delete_options_, patch_;
};

}  // namespace

Model build_model(const std::vector<ServedResource>& resources, const std::string& version) {
  Model model;
  model.version = version;
  Builder(resources, model).build();
  return model;
}

}  // namespace keelson::rest::openapi
