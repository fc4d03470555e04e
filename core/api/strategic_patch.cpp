// Strategic merge patch: a merge patch that knows which lists are sets of named elements.
// Source: the semantics of k8s.io/apimachinery/pkg/util/strategicpatch and the design
// "preserve order in strategic merge patch" of sig-cli.
#include <algorithm>
#include <boost/json/serialize.hpp>
#include <map>
#include <optional>
#include <set>

#include "core/api/json_text.hpp"
#include "core/api/json_view.hpp"
#include "core/api/patch_kinds.hpp"

namespace keelson::api {
namespace {

namespace json = boost::json;
using FailureKind = PatchFailure::Kind;

constexpr std::string_view patch_directive = "$patch";
constexpr std::string_view retain_directive = "$retainKeys";
constexpr std::string_view order_prefix = "$setElementOrder";
constexpr std::string_view delete_prefix = "$deleteFromPrimitiveList";

json::string_view json_view(std::string_view s) { return {s.data(), s.size()}; }

PatchFailure malformed(std::string message) { return {FailureKind::malformed, std::move(message), {}}; }
PatchFailure bad_order() { return malformed("invalid patch format of setElementOrder list"); }

// The $patch directive of a map; empty: none.
std::string_view directive_of(const json::object& object) {
  const json::value* directive = object.if_contains(json_view(patch_directive));
  return directive && directive->is_string() ? view(directive->get_string()) : std::string_view{};
}

bool is_directive(std::string_view key) {
  return key == patch_directive || key == retain_directive || key.starts_with(order_prefix) ||
         key.starts_with(delete_prefix);
}

// What remains of a patch where there is nothing to patch: its content without directives and nulls.
json::value stripped(const json::value& patch) {
  if (const json::object* object = patch.if_object()) {
    json::object out;
    if (directive_of(*object) == "delete") return out;
    for (const auto& member : *object) {
      if (is_directive(view(member.key())) || member.value().is_null()) continue;
      out.emplace(member.key(), stripped(member.value()));
    }
    return out;
  }
  if (const json::array* array = patch.if_array()) {
    json::array out;
    for (const json::value& element : *array) {
      const json::object* object = element.if_object();
      const std::string_view directive = object ? directive_of(*object) : std::string_view{};
      if (directive == "delete" || directive == "replace") continue;
      out.push_back(stripped(element));
    }
    return out;
  }
  return patch;
}

// How elements of a list are told apart: by a member, or by themselves.
class Identity {
 public:
  explicit Identity(std::string key) : key_(std::move(key)) {}

  bool keyed() const { return !key_.empty(); }
  const std::string& key() const { return key_; }

  // Null: a map without the merge key, or no map.
  const json::value* of(const json::value& element) const {
    if (!keyed()) return &element;
    const json::object* object = element.if_object();
    return object ? object->if_contains(json_view(key_)) : nullptr;
  }

  PatchFailure check(const json::array& list) const {
    for (const json::value& element : list) {
      if (of(element)) continue;
      if (!element.is_object()) return malformed("expected a map in a list with a merge key");
      return malformed("map: " + number_of_members(element.get_object()) +
                       " does not contain declared merge key: " + key_);
    }
    return {};
  }

 private:
  static std::string number_of_members(const json::object& object) {
    std::string text = "map[";
    for (const auto& member : object) {
      if (text.size() > 4) text += ' ';
      text.append(member.key().data(), member.key().size()).append(":...");
    }
    return text + "]";
  }
  std::string key_;
};

// Where the elements of a list stand. A patch may name a hundred thousand of them: searching the list
// for each would keep the server busy for minutes.
class Places {
 public:
  Places(const json::array& list, const Identity& identity) : identity_(identity) {
    for (const json::value& element : list) add(element);
  }

  // The next element of the list; of several that are the same, the first counts.
  void add(const json::value& element) {
    const std::size_t place = size_++;
    if (std::optional<std::string> name = name_of(element)) {
      places_.emplace(*std::move(name), place);
    }
  }

  std::optional<std::size_t> find(const json::value& element) const {
    const std::optional<std::string> name = name_of(element);
    if (!name) return std::nullopt;
    const auto found = places_.find(*name);
    if (found == places_.end()) return std::nullopt;
    return found->second;
  }
  bool contains(const json::value& element) const { return find(element).has_value(); }
  std::size_t size() const { return size_; }

 private:
  std::optional<std::string> name_of(const json::value& element) const {
    const json::value* name = identity_.of(element);
    if (!name) return std::nullopt;
    // As JSON text, "80" is told from 80; the rest of its quoting tells nothing.
    if (const json::string* text = name->if_string()) return '"' + std::string(view(*text));
    return json::serialize(*name);
  }

  const Identity& identity_;
  // Ordered: names come from outside, and whoever chooses them could make any fixed hash collide.
  std::map<std::string, std::size_t> places_;
  std::size_t size_ = 0;
};

void sort_by(json::array& list, const Places& order) {
  std::vector<std::pair<std::size_t, json::value>> ranked;
  for (json::value& element : list) {
    ranked.emplace_back(order.find(element).value_or(order.size()), std::move(element));
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  list.clear();
  for (auto& [rank, element] : ranked) list.push_back(std::move(element));
}

// Puts what the patch names in the patch's order and what only the server has in the server's, woven
// together so that a server-only element keeps its place before the elements it preceded.
json::array ordered(json::array merged, const json::array& patch_order,
                    const json::array& server_order, const Identity& identity) {
  const Places in_patch(patch_order, identity), on_server(server_order, identity);
  json::array named, others;
  for (json::value& element : merged) {
    (in_patch.contains(element) ? named : others).push_back(std::move(element));
  }
  sort_by(named, in_patch);
  sort_by(others, on_server);
  json::array out;
  std::size_t i = 0, j = 0;
  while (i < others.size() || j < named.size()) {
    bool server_first = j >= named.size();
    if (i < others.size() && j < named.size()) {
      const auto left = on_server.find(others[i]);
      const auto right = on_server.find(named[j]);
      server_first = left && right && *left < *right;
    }
    out.push_back(std::move(server_first ? others[i++] : named[j++]));
  }
  return out;
}

// The field of a message that a key names; null: a map's key, or an unknown field.
const FieldPlan* field_of(const MessagePlan* plan, std::string_view key) {
  if (!plan || plan->shape != MessagePlan::Shape::plain) return nullptr;
  const MessagePlan::Target* target = plan->find(key);
  return target ? target->field : nullptr;
}

// The type of the value, where it is a message (of a list: of its elements).
const MessagePlan* child_of(const FieldPlan* field) {
  return field && !field->map ? field->child : nullptr;
}

class Merger {
 public:
  PatchFailure map(json::object& original, json::object& patch, const MessagePlan* plan) {
    if (const json::value* directive = patch.if_contains(json_view(patch_directive))) {
      const std::string_view name =
          directive->is_string() ? view(directive->get_string()) : std::string_view{};
      if (name == "replace") {
        original = stripped(patch).get_object();
        return {};
      }
      if (name == "delete") {
        original.clear();
        return {};
      }
      if (name != "merge") {
        return malformed("unknown patch type: " + std::string(name) + " in map");
      }
      patch.erase(json_view(patch_directive));
    }
    if (PatchFailure failure = retain_keys(original, patch)) return failure;
    if (PatchFailure failure = ordered_lists(original, patch, plan)) return failure;
    if (PatchFailure failure = delete_from_lists(original, patch)) return failure;
    for (auto& member : patch) {
      const std::string_view key = view(member.key());
      if (key.starts_with(delete_prefix)) continue;  // done above
      if (PatchFailure failure = this->member(original, key, member.value(), plan)) return failure;
    }
    return {};
  }

 private:
  PatchFailure member(json::object& original, std::string_view key, json::value& patch,
                      const MessagePlan* plan) {
    json::value* now = original.if_contains(json_view(key));
    if (patch.is_null()) {
      if (now) original.erase(json_view(key));
      return {};
    }
    if (!now || now->kind() != patch.kind()) {
      original.insert_or_assign(json_view(key), stripped(patch));
      return {};
    }
    const FieldPlan* field = field_of(plan, key);
    if (patch.is_object()) {
      if (field && field->replace) {
        *now = stripped(patch);
        return {};
      }
      return map(now->get_object(), patch.get_object(), child_of(field));
    }
    if (patch.is_array()) {
      if (!field || !field->merge_list) {
        *now = stripped(patch);
        return {};
      }
      json::array before = now->get_array();
      json::array order;
      if (PatchFailure failure = list(now->get_array(), patch.get_array(), *field, order)) {
        return failure;
      }
      const Identity identity(identity_key(*field));
      now->get_array() = ordered(std::move(now->get_array()), order, before, identity);
      return {};
    }
    *now = std::move(patch);
    return {};
  }

  static std::string identity_key(const FieldPlan& field) {
    return field.type == FieldPlan::Type::message ? field.merge_key : std::string();
  }

  // Merges without ordering; `order` gets the patch's elements, less its directives.
  PatchFailure list(json::array& original, json::array& patch, const FieldPlan& field,
                    json::array& order) {
    const Identity identity(identity_key(field));
    if (!identity.keyed()) {
      Places places(original, identity);
      for (json::value& element : patch) {
        if (element.is_object() || element.is_array()) {
          return malformed("list element types are not identical");
        }
        order.push_back(element);
        if (places.contains(element)) continue;
        places.add(element);
        original.push_back(std::move(element));
      }
      return {};
    }
    if (PatchFailure failure = directives(original, patch, identity)) return failure;
    if (PatchFailure failure = identity.check(patch)) return failure;
    if (PatchFailure failure = identity.check(original)) return failure;
    Places places(original, identity);
    for (json::value& element : patch) {
      // The order needs the names only, and merging consumes the rest.
      json::object name;
      name.emplace(json_view(identity.key()), *identity.of(element));
      order.push_back(std::move(name));
      const std::optional<std::size_t> at = places.find(element);
      if (!at) {
        places.add(element);
        original.push_back(stripped(element));
        continue;
      }
      PatchFailure failure =
          map(original[*at].get_object(), element.get_object(), child_of(&field));
      if (failure) return failure;
    }
    return {};
  }

  // Acts on the elements that carry a $patch and takes them out of the patch.
  static PatchFailure directives(json::array& original, json::array& patch,
                                 const Identity& identity) {
    json::array rest, gone;
    bool replace = false;
    for (json::value& element : patch) {
      json::object* object = element.if_object();
      const json::value* directive =
          object ? object->if_contains(json_view(patch_directive)) : nullptr;
      if (!directive) {
        rest.push_back(std::move(element));
        continue;
      }
      const std::string_view name =
          directive->is_string() ? view(directive->get_string()) : std::string_view{};
      if (name == "replace") {
        replace = true;
      } else if (name == "merge") {
        object->erase(json_view(patch_directive));
        rest.push_back(std::move(element));
      } else if (name == "delete") {
        json::array one;
        one.push_back(element);
        if (PatchFailure failure = identity.check(one)) return failure;
        gone.push_back(std::move(element));
      } else {
        return malformed("unknown patch type: " + std::string(name) + " in map");
      }
    }
    if (replace) original.clear();
    if (!gone.empty()) take_out(original, gone, identity);
    patch = std::move(rest);
    return {};
  }

  static void take_out(json::array& list, const json::array& gone, const Identity& identity) {
    const Places places(gone, identity);
    json::array rest;
    for (json::value& element : list) {
      if (!places.contains(element)) rest.push_back(std::move(element));
    }
    list = std::move(rest);
  }

  static PatchFailure retain_keys(json::object& original, json::object& patch) {
    const json::value* directive = patch.if_contains(json_view(retain_directive));
    if (!directive) return {};
    if (!directive->is_array()) return malformed("invalid patch format of retainKeys");
    std::set<std::string, std::less<>> keep;
    for (const json::value& name : directive->get_array()) {
      if (name.is_string()) keep.emplace(view(name.get_string()));
    }
    patch.erase(json_view(retain_directive));
    const auto kept = [&](json::string_view key) { return keep.contains(view(key)); };
    for (const auto& member : patch) {
      const bool other = view(member.key()).starts_with(delete_prefix) ||
                         view(member.key()).starts_with(order_prefix);
      if (member.value().is_null() || other || kept(member.key())) continue;
      return malformed("invalid patch format of retainKeys");
    }
    json::object rest;
    for (auto& member : original) {
      if (kept(member.key())) rest.emplace(member.key(), std::move(member.value()));
    }
    original = std::move(rest);
    return {};
  }

  // "$setElementOrder/containers" together with "containers".
  PatchFailure ordered_lists(json::object& original, json::object& patch,
                             const MessagePlan* plan) {
    std::vector<std::string> keys;
    for (const auto& member : patch) {
      if (view(member.key()).starts_with(order_prefix)) keys.emplace_back(view(member.key()));
    }
    for (const std::string& key : keys) {
      const json::value order = patch.at(json_view(key));
      patch.erase(json_view(key));
      if (key.size() <= order_prefix.size() || key[order_prefix.size()] != '/' ||
          !order.is_array()) {
        return bad_order();
      }
      const std::string name = key.substr(order_prefix.size() + 1);
      if (PatchFailure failure = ordered_list(original, patch, name, order.get_array(), plan)) {
        return failure;
      }
    }
    return {};
  }

  PatchFailure ordered_list(json::object& original, json::object& patch, const std::string& name,
                            const json::array& order, const MessagePlan* plan) {
    const FieldPlan* field = field_of(plan, name);
    if (!field || !field->merge_list) {
      return malformed("unable to find a list to order for the json field \"" + name + "\"");
    }
    const Identity identity(identity_key(*field));
    if (PatchFailure failure = identity.check(order)) return failure;
    json::value* now = original.if_contains(json_view(name));
    json::value* change = patch.if_contains(json_view(name));
    if (now && now->is_null()) *now = json::array();  // how an empty list without omitempty is written
    if ((now && !now->is_array()) || (change && !change->is_array())) {
      // Replacing (or removing) the whole list: nothing is left to order.
      return change && change->is_null() ? PatchFailure{} : bad_order();
    }
    if (!now && !change) return {};
    if (change) {
      if (PatchFailure failure = check_order(change->get_array(), order, identity)) return failure;
    }
    if (!now) now = &original.emplace(json_view(name), json::array()).first->value();
    const json::array before = now->get_array();
    json::array ignored;
    if (change) {
      PatchFailure failure = list(now->get_array(), change->get_array(), *field, ignored);
      if (failure) return failure;
    }
    now->get_array() = ordered(std::move(now->get_array()), order, before, identity);
    patch.erase(json_view(name));
    return {};
  }

  // What the patch changes must stand in the order list, in the same relative order.
  static PatchFailure check_order(const json::array& patch, const json::array& order,
                                  const Identity& identity) {
    if (order.empty()) return {};
    std::size_t at = 0;
    for (const json::value& element : patch) {
      if (element.is_object() && element.get_object().contains(json_view(patch_directive))) continue;
      json::array one;
      one.push_back(element);
      if (PatchFailure failure = identity.check(one)) return failure;
      while (at < order.size() && *identity.of(order[at]) != *identity.of(element)) ++at;
      if (at++ == order.size()) {
        return malformed("The order in patch list doesn't match $setElementOrder list");
      }
    }
    return {};
  }

  static PatchFailure delete_from_lists(json::object& original, const json::object& patch) {
    for (const auto& member : patch) {
      const std::string_view key = view(member.key());
      if (!key.starts_with(delete_prefix)) continue;
      if (key.size() <= delete_prefix.size() || key[delete_prefix.size()] != '/' ||
          !member.value().is_array()) {
        return malformed("invalid patch format of primitive list");
      }
      json::value* list = original.if_contains(json_view(key.substr(delete_prefix.size() + 1)));
      if (!list || !list->is_array()) continue;
      take_out(list->get_array(), member.value().get_array(), Identity({}));
    }
    return {};
  }
};

}  // namespace

PatchFailure apply_strategic_patch(boost::json::object& document, boost::json::object patch,
                                   const MessagePlan& plan) {
  return Merger().map(document, patch, &plan);
}

}  // namespace keelson::api
