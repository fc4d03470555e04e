// auth can-i, auth whoami.
#include <fmt/format.h>

#include "tools/cli/cluster/output.hpp"
#include "tools/cli/cluster/tabs.hpp"
#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

constexpr const char* kReviews = "/apis/authorization.k8s.io/v1/";

std::string texts(const JsonArray& list) {
  std::string out;
  for (const Json& one : list) out += (out.empty() ? "" : " ") + scalar_text(one);
  return "[" + out + "]";
}

Status list_rules(Session& session) {
  auto answer = session.send("POST", std::string(kReviews) + "selfsubjectrulesreviews",
                             {{"apiVersion", "authorization.k8s.io/v1"},
                              {"kind", "SelfSubjectRulesReview"},
                              {"spec", {{"namespace", session.ns}}}});
  if (!answer) return answer.error();
  std::string text =
      session.flags.on("no-headers") ? "" : "Resources\tNon-Resource URLs\tResource Names\tVerbs\n";
  for (const Json& rule : list_at(*answer, "status.resourceRules")) {
    for (const Json& resource : list_at(rule, "resources")) {
      for (const Json& group : list_at(rule, "apiGroups")) {
        const std::string name = scalar_text(resource), of = scalar_text(group);
        text += fmt::format("{}\t[]\t{}\t{}\n", of.empty() ? name : name + "." + of,
                            texts(list_at(rule, "resourceNames")), texts(list_at(rule, "verbs")));
      }
    }
  }
  for (const Json& rule : list_at(*answer, "status.nonResourceRules")) {
    text += fmt::format("\t{}\t[]\t{}\n", texts(list_at(rule, "nonResourceURLs")),
                        texts(list_at(rule, "verbs")));
  }
  session.io.out(align_tabs(text, {6, 3}));
  return {};
}

Result<Json> question_of(Session& session) {
  const auto& args = session.flags.args();
  if (args.size() < 2 || args.size() > 3) {
    return usage_error(
        "you must specify two arguments: verb resource or verb resource/resourceName.\n"
        "See 'keelson auth can-i -h' for help and examples");
  }
  if (args[1].starts_with('/'))
    return Json{{"nonResourceAttributes", {{"path", args[1]}, {"verb", args[0]}}}};
  std::string word = args[1], name = args.size() == 3 ? args[2] : "",
              subresource = session.flags.get("subresource");
  if (const auto slash = word.find('/'); slash != std::string::npos) {
    name = word.substr(slash + 1);
    word.resize(slash);
  }
  JsonObject attributes{{"verb", args[0]}};
  if (word == "*") {
    attributes["group"] = "*";
    attributes["resource"] = "*";
    attributes["namespace"] = session.all_namespaces() ? "" : session.ns;
  } else {
    auto type = session.resource(word);
    if (!type)
      session.io.err(
          fmt::format("Warning: the server doesn't have a resource type '{}'\n\n", word));
    attributes["resource"] = type ? type->plural : word;
    if (type) attributes["group"] = type->group;
    const bool namespaced = !type || type->namespaced;
    if (!namespaced) {
      session.io.err(
          fmt::format("Warning: resource '{}' is not namespace scoped{}\n\n", type->plural,
                      type->group.empty() ? "" : fmt::format(" in group '{}'", type->group)));
    }
    if (namespaced && !session.all_namespaces()) attributes["namespace"] = session.ns;
  }
  if (!name.empty()) attributes["name"] = name;
  if (!subresource.empty()) attributes["subresource"] = subresource;
  return Json{{"resourceAttributes", std::move(attributes)}};
}

Status can_i(Session& session) {
  if (session.flags.on("list")) return list_rules(session);
  auto question = question_of(session);
  if (!question) return question.error();
  auto answer = session.send("POST", std::string(kReviews) + "selfsubjectaccessreviews",
                             {{"apiVersion", "authorization.k8s.io/v1"},
                              {"kind", "SelfSubjectAccessReview"},
                              {"spec", *question}});
  if (!answer) return answer.error();
  const bool allowed = true_at(*answer, "status.allowed");
  if (!allowed) session.exit_code = 1;
  if (session.flags.on("quiet")) return {};
  std::string text = allowed ? "yes" : "no";
  if (!allowed) {
    if (const auto reason = text_at(*answer, "status.reason"); !reason.empty())
      text += " - " + reason;
    if (const auto error = text_at(*answer, "status.evaluationError"); !error.empty())
      text += " - " + error;
  }
  session.io.out(text + "\n");
  return {};
}

Status whoami(Session& session) {
  auto output = Output::of(session.flags);
  if (!output) return output.error();
  auto answer =
      session.send("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                   {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "SelfSubjectReview"}});
  if (!answer) return answer.error();
  if (output->named()) {
    auto text = output->print(*answer);
    if (!text) return text.error();
    session.io.out(*text);
    return {};
  }
  std::string text = "ATTRIBUTE\tVALUE\n";
  const Json* user = find(*answer, "status.userInfo");
  if (user) {
    if (const auto name = text_at(*user, "username"); !name.empty())
      text += "Username\t" + name + "\n";
    if (const auto uid = text_at(*user, "uid"); !uid.empty()) text += "UID\t" + uid + "\n";
    if (const auto& groups = list_at(*user, "groups"); !groups.empty())
      text += "Groups\t" + texts(groups) + "\n";
    for (const auto& one : map_at(*user, "extra")) {
      text += fmt::format("Extra: {}\t{}\n", view(one.key()),
                          one.value().is_array() ? texts(one.value().get_array()) : "");
    }
  }
  session.io.out(align_tabs(text, {6, 3}));
  return {};
}

}  // namespace

std::vector<Verb> auth_verbs() {
  return {{"auth can-i",
           "VERB TYPE[/NAME]",
           "whether one may do something",
           {{"A,all-namespaces", "", "in all namespaces"},
            {"subresource", "NAME", "log, scale, ..."},
            {"list", "", "all that one may do in the namespace"},
            {"q,quiet", "", "say it by the exit code alone"},
            {"no-headers", "", "without the line of titles"}},
           can_i,
           "  keelson auth can-i create deployments\n  keelson auth can-i get pods "
           "--subresource=log --as=jane\n"},
          {"auth whoami",
           "",
           "who the server takes one for",
           {{"o,output", "FORMAT", "json, yaml, jsonpath=..."}},
           whoami}};
}

}  // namespace keelson::cli
