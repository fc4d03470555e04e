#include "core/scheduler/extender/wire.hpp"

#include <algorithm>
#include <boost/json/value.hpp>

#include "core/api/json.hpp"
#include "core/api/json_text.hpp"

namespace keelson::scheduler::extender {
namespace {

namespace json = boost::json;

// Scores are summed up with weights of up to a million.
constexpr int64_t kMostScore = 1'000'000;

std::string_view view(json::string_view text) {
  return {text.data(), text.size()};
}

char small(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return small(x) == small(y); });
}

// The member of this name in any case; null counts as absent, as it does for Go.
const json::value* member(const json::value& from, std::string_view name) {
  const json::object* object = from.if_object();
  if (object == nullptr) return nullptr;
  for (const auto& one : *object) {
    if (same_name(view(one.key()), name)) return one.value().is_null() ? nullptr : &one.value();
  }
  return nullptr;
}

std::string text(const json::value* value) {
  return value == nullptr || !value->is_string() ? std::string()
                                                 : std::string(view(value->get_string()));
}

int64_t number(const json::value* value) {
  if (value == nullptr) return 0;
  if (value->is_int64()) return value->get_int64();
  // A uint64 beyond int64.
  return value->is_uint64() ? INT64_MAX : 0;
}

Error not_understood(std::string_view what) {
  return {Code::invalid, "the answer is no " + std::string(what)};
}

// The tree, if it is an object without an error in it.
Result<json::value> read(std::string_view body, std::string_view what) {
  api::ParsedJson parsed = api::parse_json(body, nullptr);
  if (!parsed.error.empty() || !parsed.value.is_object()) return not_understood(what);
  if (const std::string error = text(member(parsed.value, "Error")); !error.empty()) {
    return Error{Code::unavailable, error};
  }
  return std::move(parsed.value);
}

bool read_reasons(const json::value* from, std::map<std::string, std::string>& into) {
  if (from == nullptr) return true;
  const json::object* reasons = from->if_object();
  if (reasons == nullptr) return false;
  for (const auto& one : *reasons) {
    into.emplace(view(one.key()), text(&one.value()));
  }
  return true;
}

void append_field(std::string_view name, std::string_view value, std::string& out) {
  out += out.back() == '{' ? "\"" : ",\"";
  out.append(name).append("\":");
  api::append_json_string(value, out);
}

void append_victims(const Victims& victims, bool names_only, std::string& out) {
  out += R"({"Pods":[)";
  for (std::size_t i = 0; i < victims.pods.size(); ++i) {
    if (i > 0) out += ',';
    if (names_only) {
      out += '{';
      append_field("UID", victims.pods[i]->uid(), out);
      out += '}';
    } else {
      api::append_object(*victims.pods[i], out);
    }
  }
  out += R"(],"NumPDBViolations":)" + std::to_string(victims.violations) + '}';
}

}  // namespace

std::string filter_args(const api::Object& pod, const std::vector<api::ObjectPtr>& nodes,
                        bool names_only) {
  std::string out = R"({"Pod":)";
  api::append_object(pod, out);
  out += names_only ? R"(,"Nodes":null,"NodeNames":[)" : R"(,"Nodes":{"metadata":{},"items":[)";
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (i > 0) out += ',';
    if (names_only) {
      api::append_json_string(nodes[i]->name(), out);
    } else {
      api::append_object(*nodes[i], out);
    }
  }
  out += names_only ? "]}" : R"(]},"NodeNames":null})";
  return out;
}

Result<FilterResult> read_filter_result(std::string_view body) {
  const auto tree = read(body, "ExtenderFilterResult");
  if (!tree) return tree.error();
  FilterResult result;
  if (const json::value* names = member(*tree, "NodeNames")) {
    const json::array* list = names->if_array();
    if (list == nullptr) return not_understood("ExtenderFilterResult");
    result.nodes.emplace();
    for (const json::value& name : *list) result.nodes->push_back(text(&name));
  } else if (const json::value* nodes = member(*tree, "Nodes")) {
    result.nodes.emplace();
    const json::value* items = member(*nodes, "items");
    if (items != nullptr && !items->is_array()) return not_understood("ExtenderFilterResult");
    if (items != nullptr) {
      for (const json::value& node : items->get_array()) {
        const json::value* meta = member(node, "metadata");
        result.nodes->push_back(meta == nullptr ? std::string() : text(member(*meta, "name")));
      }
    }
  }
  if (!read_reasons(member(*tree, "FailedNodes"), result.failed) ||
      !read_reasons(member(*tree, "FailedAndUnresolvableNodes"), result.unresolvable)) {
    return not_understood("ExtenderFilterResult");
  }
  return result;
}

Result<std::vector<std::pair<std::string, int64_t>>> read_priorities(std::string_view body) {
  const api::ParsedJson parsed = api::parse_json(body, nullptr);
  std::vector<std::pair<std::string, int64_t>> out;
  if (!parsed.error.empty()) return not_understood("HostPriorityList");
  if (parsed.value.is_null()) return out;
  if (!parsed.value.is_array()) return not_understood("HostPriorityList");
  for (const json::value& one : parsed.value.get_array()) {
    if (!one.is_object()) return not_understood("HostPriorityList");
    out.emplace_back(text(member(one, "Host")),
                     std::clamp<int64_t>(number(member(one, "Score")), 0, kMostScore));
  }
  return out;
}

std::string binding_args(const api::Object& pod, const std::string& node) {
  std::string out = "{";
  append_field("PodName", pod.name(), out);
  append_field("PodNamespace", pod.ns(), out);
  append_field("PodUID", pod.uid(), out);
  append_field("Node", node, out);
  return out += '}';
}

Status read_binding_result(std::string_view body) {
  const auto tree = read(body, "ExtenderBindingResult");
  return tree ? Status() : Status(tree.error());
}

std::string preemption_args(const api::Object& pod, const std::string& node,
                            const Victims& victims, bool names_only) {
  std::string out = R"({"Pod":)";
  api::append_object(pod, out);
  // Go writes both members; the one that is not in use is null.
  out += names_only ? R"(,"NodeNameToVictims":null,"NodeNameToMetaVictims":{)"
                    : R"(,"NodeNameToVictims":{)";
  api::append_json_string(node, out);
  out += ':';
  append_victims(victims, names_only, out);
  return out += names_only ? "}}" : R"(},"NodeNameToMetaVictims":null})";
}

Result<std::map<std::string, std::vector<std::string>>> read_preemption_result(
    std::string_view body) {
  const auto tree = read(body, "ExtenderPreemptionResult");
  if (!tree) return tree.error();
  std::map<std::string, std::vector<std::string>> out;
  const json::value* nodes = member(*tree, "NodeNameToMetaVictims");
  if (nodes == nullptr) return out;
  if (!nodes->is_object()) return not_understood("ExtenderPreemptionResult");
  for (const auto& one : nodes->get_object()) {
    std::vector<std::string>& victims = out[std::string(view(one.key()))];
    const json::value* pods = member(one.value(), "Pods");
    if (pods == nullptr) continue;
    if (!pods->is_array()) return not_understood("ExtenderPreemptionResult");
    for (const json::value& pod : pods->get_array()) victims.push_back(text(member(pod, "UID")));
  }
  return out;
}

}  // namespace keelson::scheduler::extender
