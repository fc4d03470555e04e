#include "core/auth/rules.hpp"

#include <algorithm>

#include "core/auth/names.hpp"

namespace keelson::auth {

namespace {

using Texts = google::protobuf::RepeatedPtrField<std::string>;

bool has(const Texts& list, std::string_view text) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& t) { return t == text; });
}
bool has_or_all(const Texts& list, std::string_view text) {
  return has(list, "*") || has(list, text);
}

// "pods", "pods/log"; "*" is everything, "*/scale" the subresource of every resource.
bool has_resource(const Texts& list, std::string_view resource, std::string_view subresource) {
  for (const std::string& one : list) {
    if (one == "*") return true;
    if (subresource.empty()) {
      if (one == resource) return true;
      continue;
    }
    const std::size_t slash = one.find('/');
    if (slash == std::string::npos || std::string_view(one).substr(slash + 1) != subresource) {
      continue;
    }
    const std::string_view base = std::string_view(one).substr(0, slash);
    if (base == "*" || base == resource) return true;
  }
  return false;
}

bool covers_url(const std::string& held, const std::string& wanted) {
  if (held == wanted) return true;
  if (!held.ends_with('*')) return false;
  const std::size_t end = held.find_last_not_of('*');
  return wanted.starts_with(held.substr(0, end == std::string::npos ? 0 : end + 1));
}

bool has_url(const Texts& list, const std::string& path) {
  return std::any_of(list.begin(), list.end(),
                     [&](const std::string& one) { return covers_url(one, path); });
}

template <class Has>
bool every(const Texts& wanted, Has has_one) {
  return std::all_of(wanted.begin(), wanted.end(), has_one);
}

bool covers(const PolicyRule& held, const PolicyRule& wanted) {
  const auto resource = [&](const std::string& one) {
    const std::size_t slash = one.find('/');
    if (slash == std::string::npos) return has_or_all(held.resources(), one);
    return has_resource(held.resources(), one.substr(0, slash), one.substr(slash + 1));
  };
  const bool names = wanted.resource_names().empty()
                         ? held.resource_names().empty()
                         : held.resource_names().empty() ||
                               every(wanted.resource_names(), [&](const std::string& name) {
                                 return has(held.resource_names(), name);
                               });
  return names &&
         every(wanted.verbs(), [&](const auto& verb) { return has_or_all(held.verbs(), verb); }) &&
         every(wanted.api_groups(),
               [&](const auto& group) { return has_or_all(held.api_groups(), group); }) &&
         every(wanted.resources(), resource) &&
         every(wanted.non_resource_urls(),
               [&](const auto& url) { return has_url(held.non_resource_urls(), url); });
}

// One group, resource, verb and name each.
template <class F>
void each_part(const PolicyRule& rule, F visit) {
  for (const std::string& group : rule.api_groups()) {
    for (const std::string& resource : rule.resources()) {
      for (const std::string& verb : rule.verbs()) {
        PolicyRule part;
        part.add_api_groups(group);
        part.add_resources(resource);
        part.add_verbs(verb);
        if (rule.resource_names().empty()) visit(part);
        for (const std::string& name : rule.resource_names()) {
          PolicyRule named = part;
          named.add_resource_names(name);
          visit(named);
        }
      }
    }
  }
  for (const std::string& url : rule.non_resource_urls()) {
    for (const std::string& verb : rule.verbs()) {
      PolicyRule part;
      part.add_non_resource_urls(url);
      part.add_verbs(verb);
      visit(part);
    }
  }
}

constexpr std::size_t kPartsMax = 1000;

std::size_t parts_of(const PolicyRule& rule) {
  const auto many = [](int size) { return static_cast<std::size_t>(std::max(size, 1)); };
  return many(rule.api_groups_size()) * many(rule.resources_size()) * many(rule.verbs_size()) *
             many(rule.resource_names_size()) +
         many(rule.non_resource_urls_size()) * many(rule.verbs_size());
}

bool simple(const PolicyRule& rule) {
  return rule.api_groups_size() == 1 && rule.resources_size() == 1 &&
         rule.resource_names_size() <= 1 && rule.non_resource_urls().empty();
}

bool same_object(const PolicyRule& a, const PolicyRule& b) {
  return a.api_groups(0) == b.api_groups(0) && a.resources(0) == b.resources(0) &&
         a.resource_names_size() == b.resource_names_size() &&
         (a.resource_names().empty() || a.resource_names(0) == b.resource_names(0));
}

}  // namespace

bool allows(const PolicyRule& rule, const Attributes& a) {
  if (!has_or_all(rule.verbs(), a.verb)) return false;
  if (!a.resource_request) return has_url(rule.non_resource_urls(), a.path);
  return has_or_all(rule.api_groups(), a.group) &&
         has_resource(rule.resources(), a.resource, a.subresource) &&
         (rule.resource_names().empty() || has(rule.resource_names(), a.name));
}

std::vector<PolicyRule> uncovered(std::span<const PolicyRule* const> held,
                                  const PolicyRules& wanted) {
  std::vector<PolicyRule> missing;
  for (const PolicyRule& rule : wanted) {
    // Most rules are held as they are. One that falls into too many parts is missing as a whole: nobody
    // would read them, and a short text can describe a million.
    const bool whole = std::any_of(held.begin(), held.end(),
                                   [&](const PolicyRule* one) { return covers(*one, rule); });
    if (whole) continue;
    if (parts_of(rule) > kPartsMax) {
      missing.push_back(rule);
      continue;
    }
    each_part(rule, [&](const PolicyRule& part) {
      const bool covered = std::any_of(held.begin(), held.end(),
                                       [&](const PolicyRule* one) { return covers(*one, part); });
      if (!covered) missing.push_back(part);
    });
  }
  return missing;
}

std::vector<PolicyRule> compact(std::vector<PolicyRule> rules) {
  std::vector<PolicyRule> out;
  for (PolicyRule& rule : rules) {
    const auto like = std::find_if(out.begin(), out.end(), [&](const PolicyRule& one) {
      return simple(rule) && simple(one) && same_object(one, rule);
    });
    if (like == out.end()) {
      out.push_back(std::move(rule));
      continue;
    }
    for (const std::string& verb : rule.verbs()) {
      if (!has(like->verbs(), verb)) like->add_verbs(verb);
    }
  }
  return out;
}

std::string describe(const PolicyRule& rule) {
  std::string out = "{";
  const auto add = [&](const char* name, const Texts& list) {
    if (list.empty()) return;
    if (out.size() > 1) out += ", ";
    out.append(name).append(":").append(quoted_list(list));
  };
  add("APIGroups", rule.api_groups());
  add("Resources", rule.resources());
  add("NonResourceURLs", rule.non_resource_urls());
  add("ResourceNames", rule.resource_names());
  add("Verbs", rule.verbs());
  return out + "}";
}

}  // namespace keelson::auth
