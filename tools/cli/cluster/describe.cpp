#include "tools/cli/cluster/describe.hpp"

#include <algorithm>

#include "tools/cli/cluster/events.hpp"
#include "tools/cli/cluster/human.hpp"
#include "tools/cli/cluster/tabs.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

constexpr std::size_t kAnnotationMax = 140;  // longer ones stand on lines of their own

}  // namespace

std::vector<std::pair<std::string, const Json*>> sorted_members(const JsonObject& object) {
  std::vector<std::pair<std::string, const Json*>> out;
  for (const auto& one : object) out.emplace_back(view(one.key()), &one.value());
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return out;
}

std::string or_none(std::string text) {
  return text.empty() ? "<none>" : text;
}

void Page::labels(std::string_view title, const JsonObject& labels) {
  text_ += fmt::format("{}:\t", title);
  if (labels.empty()) text_ += "<none>\n";
  const char* before = "";
  for (const auto& [key, value] : sorted_members(labels)) {
    text_ += fmt::format("{}{}={}\n", before, key, scalar_text(*value));
    before = "\t";
  }
}

void Page::annotations(std::string_view title, const JsonObject& annotations) {
  text_ += fmt::format("{}:\t", title);
  const char* before = "";
  for (const auto& [key, value] : sorted_members(annotations)) {
    if (key == "kubectl.kubernetes.io/last-applied-configuration") continue;
    std::string text = scalar_text(*value);
    if (text.ends_with('\n')) text.pop_back();
    text_ += before;
    before = "\t";
    if (text.size() + key.size() + 2 <= kAnnotationMax && text.find('\n') == std::string::npos) {
      text_ += fmt::format("{}: {}\n", key, text);
      continue;
    }
    text_ += key + ":\n";
    for (std::size_t begin = 0; begin <= text.size();) {
      const auto end = std::min(text.find('\n', begin), text.size());
      std::string line = text.substr(begin, end - begin);
      if (line.size() > kAnnotationMax - 2) line = line.substr(0, kAnnotationMax - 2) + "...";
      text_ += "\t  " + line + "\n";
      begin = end + 1;
    }
  }
  if (*before == '\0') text_ += "<none>\n";
}

std::string Page::take() {
  std::string out = align_tabs(text_, {0, 2});
  text_.clear();
  return out;
}

std::string label_selector_text(const Json& selector) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : sorted_members(map_at(selector, "matchLabels"))) {
    parts.push_back(key + "=" + scalar_text(*value));
  }
  for (const Json& one : list_at(selector, "matchExpressions")) {
    const std::string key = text_at(one, "key"), op = text_at(one, "operator");
    std::vector<std::string> values;
    for (const Json& value : list_at(one, "values")) values.push_back(scalar_text(value));
    std::sort(values.begin(), values.end());
    if (op == "Exists") parts.push_back(key);
    if (op == "DoesNotExist") parts.push_back("!" + key);
    if (op == "In") parts.push_back(fmt::format("{} in ({})", key, fmt::join(values, ",")));
    if (op == "NotIn") parts.push_back(fmt::format("{} notin ({})", key, fmt::join(values, ",")));
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

std::string selector_text(const Json& object) {
  const Json* selector = find(object, "spec.selector");
  if (!selector || !selector->is_object()) return "";
  if (find(*selector, "matchLabels") || find(*selector, "matchExpressions"))
    return label_selector_text(*selector);
  return selector->get_object().empty() ? "" : label_text(selector->get_object());
}

std::string controller_text(const Json& object) {
  for (const Json& owner : list_at(object, "metadata.ownerReferences")) {
    if (true_at(owner, "controller")) return text_at(owner, "kind") + "/" + text_at(owner, "name");
  }
  return "";
}

namespace {

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

// "creationTimestamp" -> "Creation Timestamp", "apiVersion" -> "API Version", "podIPs" -> "Pod I
// Ps" as kubectl has it.
std::string field_label(std::string_view field) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < field.size(); ++i) {
    const bool begins =
        i == 0 || (is_upper(field[i]) &&
                   (!is_upper(field[i - 1]) || (i + 1 < field.size() && !is_upper(field[i + 1]))));
    if (begins) words.emplace_back();
    words.back() += field[i];
  }
  std::string out;
  for (std::string& word : words) {
    std::string upper = word;
    for (char& c : upper) c = c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c;
    const bool acronym =
        upper == "API" || upper == "URL" || upper == "UID" || upper == "OSB" || upper == "GUID";
    if (acronym) {
      word = upper;
    } else {
      word[0] = upper[0];
    }
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

void fields(Page& page, int level, const JsonObject& object, const std::string& path) {
  constexpr std::string_view kSkipped[] = {".metadata.managedFields", ".metadata.name",
                                           ".metadata.namespace", ".metadata.labels",
                                           ".metadata.annotations"};
  for (const auto& [name, value] : sorted_members(object)) {
    const std::string at = path + "." + name;
    if (std::find(std::begin(kSkipped), std::end(kSkipped), at) != std::end(kSkipped)) continue;
    const std::string label = field_label(name);
    if (const auto* members = value->if_object()) {
      page.line(level, "{}:", label);
      fields(page, level + 1, *members, at);
    } else if (const auto* list = value->if_array()) {
      page.line(level, "{}:", label);
      for (const Json& one : *list) {
        if (const auto* element = one.if_object()) {
          fields(page, level + 1, *element, at);
        } else {
          page.line(level + 1, "{}", scalar_text(one));
        }
      }
    } else {
      page.line(level, "{}:\t{}", label, value->is_null() ? "<nil>" : scalar_text(*value));
    }
  }
}

}  // namespace

void describe_generic(Page& page, const Json& object) {
  page.line(0, "Name:\t{}", text_at(object, "metadata.name"));
  page.line(0, "Namespace:\t{}", text_at(object, "metadata.namespace"));
  page.labels("Labels", map_at(object, "metadata.labels"));
  page.annotations("Annotations", map_at(object, "metadata.annotations"));
  if (const auto* members = object.if_object()) fields(page, 0, *members, "");
}

namespace {

Result<Json> events_of(Session& session, const std::string& ns, const Json& object,
                       const std::string& uid) {
  std::string selector = "involvedObject.name=" + text_at(object, "metadata.name") +
                         ",involvedObject.namespace=" + text_at(object, "metadata.namespace");
  if (!uid.empty()) selector += ",involvedObject.uid=" + uid;
  const Resource type{.group = "", .version = "v1", .plural = "events", .namespaced = true};
  return session.list(type.path(ns), "fieldSelector=" + encode_query(selector));
}

void print_events(Session& session, Page& page, const Json& object) {
  const bool node = text_at(object, "kind") == "Node";
  const std::string ns = node ? "" : text_at(object, "metadata.namespace");
  std::vector<Json> events;
  // Agents name a node by its name, controllers by its uid.
  std::vector<std::string> uids{text_at(object, "metadata.uid")};
  if (node) uids.push_back(text_at(object, "metadata.name"));
  for (const std::string& uid : uids) {
    auto list = events_of(session, ns, object, uid);
    if (!list) return;  // no right to see them: kubectl is silent, too
    for (const Json& event : list_at(*list, "items")) events.push_back(event);
  }
  if (events.empty()) {
    page.line(0, "Events:\t<none>");
    session.io.out(page.take());
    return;
  }
  session.io.out(page.take());
  std::stable_sort(events.begin(), events.end(),
                   [](const Json& a, const Json& b) { return event_time(a) < event_time(b); });
  page.line(0, "Events:\n  Type\tReason\tAge\tFrom\tMessage");
  page.line(1, "----\t------\t----\t----\t-------");
  for (const Json& event : events) {
    std::string from = text_at(event, "source.component");
    if (from.empty()) from = text_at(event, "reportingComponent");
    page.line(1, "{}\t{}\t{}\t{}\t{}", text_at(event, "type"), text_at(event, "reason"),
              event_age(event, session.io.now()), from, trimmed_end(text_at(event, "message")));
  }
  session.io.out(page.take());
}

Status describe_one(Session& session, const Found& found) {
  Page page(session.io.now());
  const Json& object = found.object;
  const std::string& kind = found.resource.kind;
  Status done;
  bool events = !session.flags.has("show-events") || session.flags.on("show-events");
  if (kind == "Pod") {
    describe_pod(page, object);
  } else if (kind == "Node") {
    done = describe_node(session, page, object);
  } else if (kind == "Deployment") {
    done = describe_deployment(session, page, object);
  } else if (kind == "ReplicaSet") {
    done = describe_replica_set(session, page, object);
  } else if (kind == "Service" && found.resource.group.empty()) {
    done = describe_service(session, page, object);
  } else if (kind == "Namespace") {
    done = describe_namespace(session, page, object);
    events = false;
  } else if (kind == "Secret") {
    describe_secret(page, object);
    events = false;
  } else if (kind == "ConfigMap") {
    describe_config_map(page, object);
  } else if (kind == "ServiceAccount") {
    describe_service_account(page, object);
  } else if (kind == "PodDisruptionBudget") {
    describe_budget(page, object);
  } else {
    describe_generic(page, object);
  }
  if (!done) return done;
  if (events) {
    print_events(session, page, object);
  } else {
    session.io.out(page.take());
  }
  return {};
}

Status describe(Session& session) {
  const auto& words = session.flags.args();
  if (words.empty() && !session.flags.has("filename")) {
    return usage_error(
        "You must specify the type of resource to describe. Use \"keelson api-resources\" for a "
        "complete "
        "list of supported resources.");
  }
  auto found = fetch(session, words, false);
  if (!found) {
    return found.error();
  }
  bool first = true;
  for (const Found& one : *found) {
    if (!first) session.io.out("\n\n");
    first = false;
    if (auto ok = describe_one(session, one); !ok) session.complain(ok.error());
  }
  if (found->empty() && session.exit_code == 0) {
    session.io.err(session.all_namespaces()
                       ? "No resources found\n"
                       : fmt::format("No resources found in {} namespace.\n", session.ns));
  }
  return {};
}

}  // namespace

std::vector<Verb> describe_verbs() {
  return {{"describe", "TYPE [NAME...] | TYPE/NAME",
           "show an object, what belongs to it and what happened to it",
           with_selection({{"show-events", "", "with what happened (default)"}}), describe,
           "  keelson describe pod kel-7d9c-x2x4z\n  keelson describe node n1\n"}};
}

}  // namespace keelson::cli
