// Namespaces, secrets, config maps, service accounts and disruption budgets, as describe prints
// them.
#include "core/api/json_text.hpp"
#include "tools/cli/cluster/describe.hpp"

namespace keelson::cli {

namespace {

void head(Page& page, const Json& object) {
  page.line(0, "Name:\t{}", text_at(object, "metadata.name"));
  page.line(0, "Namespace:\t{}", text_at(object, "metadata.namespace"));
  page.labels("Labels", map_at(object, "metadata.labels"));
  page.annotations("Annotations", map_at(object, "metadata.annotations"));
}

std::size_t decoded_size(const Json& value, std::string* text = nullptr) {
  std::string bytes;
  std::size_t position = 0;
  if (!api::decode_base64(scalar_text(value), bytes, position)) return 0;
  if (text) *text = bytes;
  return bytes.size();
}

void names(Page& page, std::string_view title, const JsonArray& list) {
  if (list.empty()) return page.line(0, "{}:\t<none>", title);
  for (const Json& one : list) {
    page.line(0, "{}\t{}", &one == &list.front() ? fmt::format("{}:", title) : "",
              text_at(one, "name"));
  }
}

}  // namespace

void describe_secret(Page& page, const Json& secret) {
  head(page, secret);
  const std::string type = text_at(secret, "type");
  page.line(0, "\nType:\t{}", type);
  page.line(0, "\nData\n====");
  for (const auto& [key, value] : sorted_members(map_at(secret, "data"))) {
    std::string text;
    const std::size_t size = decoded_size(*value, &text);
    // A token is what one looks at such a secret for.
    if (key == "token" && type == "kubernetes.io/service-account-token") {
      page.line(0, "{}:\t{}", key, text);
    } else {
      page.line(0, "{}:\t{} bytes", key, size);
    }
  }
}

void describe_config_map(Page& page, const Json& map) {
  head(page, map);
  page.line(0, "\nData\n====");
  for (const auto& [key, value] : sorted_members(map_at(map, "data"))) {
    page.line(0, "{}:\n----\n{}\n", key, scalar_text(*value));
  }
  page.line(0, "\nBinaryData\n====");
  for (const auto& [key, value] : sorted_members(map_at(map, "binaryData"))) {
    page.line(0, "{}: {} bytes", key, decoded_size(*value));
  }
  page.line(0, "");
}

void describe_service_account(Page& page, const Json& account) {
  head(page, account);
  names(page, "Image pull secrets", list_at(account, "imagePullSecrets"));
  names(page, "Mountable secrets", list_at(account, "secrets"));
  page.line(0, "Tokens:\t<none>");
}

void describe_budget(Page& page, const Json& budget) {
  page.line(0, "Name:\t{}", text_at(budget, "metadata.name"));
  page.line(0, "Namespace:\t{}", text_at(budget, "metadata.namespace"));
  if (find(budget, "spec.minAvailable")) {
    page.line(0, "Min available:\t{}", text_at(budget, "spec.minAvailable"));
  } else if (find(budget, "spec.maxUnavailable")) {
    page.line(0, "Max unavailable:\t{}", text_at(budget, "spec.maxUnavailable"));
  }
  const std::string selector = selector_text(budget);
  page.line(0, "Selector:\t{}", selector.empty() ? "<unset>" : selector);
  page.line(0, "Status:");
  page.line(2, "Allowed disruptions:\t{}", number_at(budget, "status.disruptionsAllowed"));
  page.line(2, "Current:\t{}", number_at(budget, "status.currentHealthy"));
  page.line(2, "Desired:\t{}", number_at(budget, "status.desiredHealthy"));
  page.line(2, "Total:\t{}", number_at(budget, "status.expectedPods"));
}

Status describe_namespace(Session& session, Page& page, const Json& ns) {
  page.line(0, "Name:\t{}", text_at(ns, "metadata.name"));
  page.labels("Labels", map_at(ns, "metadata.labels"));
  page.annotations("Annotations", map_at(ns, "metadata.annotations"));
  page.line(0, "Status:\t{}", text_at(ns, "status.phase"));
  const JsonArray& conditions = list_at(ns, "status.conditions");
  if (!conditions.empty())
    page.line(0,
              "Conditions:\n  Type\tStatus\tLastTransitionTime\tReason\tMessage\n  "
              "----\t------\t------------------\t------\t-------");
  for (const Json& one : conditions) {
    page.line(1, "{}\t{}\t{}\t{}\t{}", text_at(one, "type"), text_at(one, "status"),
              text_at(one, "lastTransitionTime"), text_at(one, "reason"), text_at(one, "message"));
  }
  const auto known = session.discovery();
  if (!known) return known.error();
  for (const auto& [plural, none] : {std::pair{"resourcequotas", "No resource quota."},
                                     std::pair{"limitranges", "No LimitRange resource."}}) {
    const Resource* type = (*known)->find("", plural);
    if (!type) continue;  // a server without them
    page.line(0, "");
    auto list = session.list(type->path(text_at(ns, "metadata.name")), "");
    if (!list || list_at(*list, "items").empty()) {
      page.line(0, "{}", none);
      continue;
    }
    for (const Json& item : list_at(*list, "items")) {
      page.line(0, "{}:\t{}", type->kind, text_at(item, "metadata.name"));
      for (const auto& [resource, hard] : sorted_members(map_at(item, "spec.hard"))) {
        const Json* used = map_at(item, "status.used").if_contains(resource);
        page.line(1, "{}\t{}\t{}", resource, used ? scalar_text(*used) : "0", scalar_text(*hard));
      }
    }
  }
  return {};
}

}  // namespace keelson::cli
