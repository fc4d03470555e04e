// create serviceaccount, token, role, rolebinding and the cluster's ones: who may do what.
#include <fmt/format.h>

#include "tools/cli/cluster/create.hpp"
#include "tools/cli/cluster/human.hpp"
#include "tools/cli/cluster/make.hpp"
#include "tools/cli/cluster/targets.hpp"

namespace keelson::cli {

namespace {

constexpr const char* kGroup = "rbac.authorization.k8s.io";
constexpr const char* kGroupVersion = "rbac.authorization.k8s.io/v1";

std::vector<std::string> words(const Flags& flags, const std::string& name) {
  std::vector<std::string> out;
  for (const std::string& list : flags.all(name)) {
    for (std::string& one : split_list(list)) out.push_back(std::move(one));
  }
  return out;
}

JsonArray array_of(const std::vector<std::string>& texts) {
  JsonArray out;
  for (const std::string& text : texts) out.push_back(Json(text));
  return out;
}

// One rule for each API group among the resources, in the order of their first mention.
Result<JsonArray> rules_of(Session& session) {
  const Flags& flags = session.flags;
  const auto verbs = words(flags, "verb");
  if (verbs.empty()) return usage_error("at least one verb must be specified");
  const auto resources = words(flags, "resource"), names = words(flags, "resource-name"),
             urls = words(flags, "non-resource-url");
  if (resources.empty() && urls.empty())
    return usage_error("at least one resource must be specified");
  JsonArray rules;
  for (const std::string& given : resources) {
    const auto slash = given.find('/');
    const std::string type = given.substr(0, slash);
    const std::string subresource = slash == std::string::npos ? "" : given.substr(slash);
    std::string group, plural = type;
    if (type != "*") {
      auto resource = session.resource(type);
      if (!resource) {
        return usage_error(fmt::format("the server doesn't have a resource type \"{}\"", type));
      }
      group = resource->group;
      plural = resource->plural;
    } else {
      group = "*";
    }
    Json* rule = nullptr;
    for (Json& one : rules) {
      if (scalar_text(list_at(one, "apiGroups").front()) == group) rule = &one;
    }
    if (!rule) {
      rules.push_back({{"verbs", array_of(verbs)},
                       {"apiGroups", JsonArray{Json(group)}},
                       {"resources", JsonArray()}});
      rule = &rules.back();
      if (!names.empty()) rule->get_object()["resourceNames"] = array_of(names);
    }
    rule->get_object()["resources"].get_array().push_back(Json(plural + subresource));
  }
  if (!urls.empty())
    rules.push_back({{"verbs", array_of(verbs)}, {"nonResourceURLs", array_of(urls)}});
  return rules;
}

Status create_any_role(Session& session, const char* kind, const char* plural) {
  auto name = one_name(session);
  if (!name) return name.error();
  auto rules = rules_of(session);
  if (!rules) return rules.error();
  Json object = new_object(kGroupVersion, kind, *name);
  at_path(object, "rules") = std::move(*rules);
  return create_object(session, kGroup, plural, std::move(object), Telling::plain);
}

Status create_role(Session& session) {
  return create_any_role(session, "Role", "roles");
}
Status create_cluster_role(Session& session) {
  return create_any_role(session, "ClusterRole", "clusterroles");
}

Result<JsonArray> subjects_of(const Flags& flags) {
  JsonArray subjects;
  for (const auto& [flag, kind] : {std::pair{"user", "User"}, std::pair{"group", "Group"}}) {
    for (const std::string& name : words(flags, flag)) {
      subjects.push_back({{"apiGroup", kGroup}, {"kind", kind}, {"name", name}});
    }
  }
  for (const std::string& given : words(flags, "serviceaccount")) {
    const auto colon = given.find(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == given.size()) {
      return usage_error("serviceaccount must be <namespace>:<name>");
    }
    subjects.push_back({{"kind", "ServiceAccount"},
                        {"name", given.substr(colon + 1)},
                        {"namespace", given.substr(0, colon)}});
  }
  return subjects;
}

Status create_any_binding(Session& session, const char* kind, const char* plural, bool cluster) {
  auto name = one_name(session);
  if (!name) return name.error();
  const bool of_role = session.flags.has("role"),
             of_cluster_role = session.flags.has("clusterrole");
  if (of_role == of_cluster_role) {
    return usage_error(cluster ? "required flag(s) \"clusterrole\" not set"
                               : "exactly one of clusterrole or role must be specified");
  }
  auto subjects = subjects_of(session.flags);
  if (!subjects) return subjects.error();
  Json object = new_object(kGroupVersion, kind, *name);
  at_path(object, "roleRef") = {{"apiGroup", kGroup},
                                {"kind", of_role ? "Role" : "ClusterRole"},
                                {"name", session.flags.get(of_role ? "role" : "clusterrole")}};
  if (!subjects->empty()) at_path(object, "subjects") = std::move(*subjects);
  return create_object(session, kGroup, plural, std::move(object));
}

Status create_binding(Session& session) {
  return create_any_binding(session, "RoleBinding", "rolebindings", false);
}
Status create_cluster_binding(Session& session) {
  return create_any_binding(session, "ClusterRoleBinding", "clusterrolebindings", true);
}

Status create_service_account(Session& session) {
  auto name = one_name(session);
  if (!name) return name.error();
  return create_object(session, "", "serviceaccounts", new_object("v1", "ServiceAccount", *name));
}

Status create_token(Session& session) {
  auto name = one_name(session);
  if (!name) return name.error();
  Json request{
      {"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenRequest"}, {"spec", JsonObject()}};
  if (session.flags.has("duration")) {
    const auto duration = parse_duration(session.flags.get("duration"));
    if (!duration || duration->count() < 0)
      return usage_error("invalid --duration: " + session.flags.get("duration"));
    at_path(request, "spec.expirationSeconds") =
        std::chrono::duration_cast<std::chrono::seconds>(*duration).count();
  }
  const auto audiences = words(session.flags, "audience");
  if (!audiences.empty()) at_path(request, "spec.audiences") = array_of(audiences);
  Resource accounts{.group = "", .version = "v1", .plural = "serviceaccounts", .namespaced = true};
  auto made = session.send("POST", accounts.path(session.ns, *name, "token"), request);
  if (!made) return made.error();
  if (session.flags.has("output")) return session.report(accounts, *made, "created");
  session.io.out(text_at(*made, "status.token") + "\n");
  return {};
}

}  // namespace

std::vector<Verb> create_access_verbs() {
  const std::vector<FlagSpec> rule = {
      {"verb", "VERBS", "get,list,watch (repeatable)"},
      {"resource", "TYPES", "pods,deployments.apps,pods/log (repeatable)"},
      {"resource-name", "NAME", "only this one (repeatable)"}};
  auto cluster_rule = rule;
  cluster_rule.push_back(
      {"non-resource-url", "PATH", "a path outside of the resources (repeatable)"});
  const std::vector<FlagSpec> subjects = {
      {"clusterrole", "NAME", "what is granted"},
      {"role", "NAME", "the same, of the namespace"},
      {"user", "NAME", "to whom (repeatable)"},
      {"group", "NAME", "to all of this group (repeatable)"},
      {"serviceaccount", "NAMESPACE:NAME", "to a service account (repeatable)"}};
  return {
      {"create serviceaccount", "NAME", "create a service account", with_report({}),
       create_service_account},
      {"create sa", "NAME", "create a service account", with_report({}), create_service_account},
      {"create token", "SERVICEACCOUNT", "ask for a token of a service account",
       with_report({{"duration", "TIME", "how long it shall be valid"},
                    {"audience", "NAME", "for whom it is meant (repeatable)"}}),
       create_token},
      {"create role", "NAME --verb=VERBS --resource=TYPES", "create a role", with_report(rule),
       create_role},
      {"create clusterrole", "NAME --verb=VERBS --resource=TYPES", "create a role of the cluster",
       with_report(cluster_rule), create_cluster_role},
      {"create rolebinding", "NAME --role=ROLE --user=USER", "grant a role", with_report(subjects),
       create_binding},
      {"create clusterrolebinding", "NAME --clusterrole=ROLE --user=USER",
       "grant a role in the whole cluster", with_report(subjects), create_cluster_binding}};
}

}  // namespace keelson::cli
