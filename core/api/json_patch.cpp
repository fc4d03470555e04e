// JSON patch, RFC 6902, over JSON pointers, RFC 6901.
#include <cmath>
#include <optional>
#include <vector>

#include "core/api/json_text.hpp"
#include "core/api/json_view.hpp"
#include "core/api/patch_kinds.hpp"

namespace keelson::api {
namespace {

namespace json = boost::json;
using FailureKind = PatchFailure::Kind;
using Pointer = std::vector<std::string>;

// Kubernetes' limits (endpoints/handlers/patch.go and evanphx/json-patch).
constexpr std::size_t operations_max = 10'000;
constexpr std::size_t copied_bytes_max = 3 * 1024 * 1024;
// What a patch may make the server do: values that it visits to see how deep they nest, and elements
// that make room for others, many of which move in one step. Ten thousand operations on a list of a
// hundred thousand elements took ten seconds.
constexpr std::size_t effort_max = 8'000'000;
constexpr std::size_t moved_per_step = 8;

json::string_view as_json(const std::string& s) { return {s.data(), s.size()}; }

std::optional<Pointer> parse_pointer(std::string_view text) {
  Pointer pointer;
  if (text.empty()) return pointer;
  if (text.front() != '/') return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/') {
      // Deeper than any document: what is added there would nest without bound.
      if (pointer.size() == json_depth_max) return std::nullopt;
      pointer.emplace_back();
    } else if (text[i] == '~') {
      const char next = i + 1 < text.size() ? text[i + 1] : '\0';
      if (next != '0' && next != '1') return std::nullopt;
      pointer.back() += next == '0' ? '~' : '/';
      ++i;
    } else {
      pointer.back() += text[i];
    }
  }
  return pointer;
}

// Digits without a leading zero; at most `end`.
std::optional<std::size_t> parse_index(std::string_view text, std::size_t end) {
  if (text.empty() || text.size() > 9 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::size_t index = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    index = index * 10 + static_cast<std::size_t>(c - '0');
  }
  if (index > end) return std::nullopt;
  return index;
}

json::value* step(json::value& at, const std::string& token) {
  if (json::object* object = at.if_object()) return object->if_contains(as_json(token));
  if (json::array* array = at.if_array()) {
    const std::optional<std::size_t> index = parse_index(token, array->size());
    return index && *index < array->size() ? &(*array)[*index] : nullptr;
  }
  return nullptr;
}

json::value* resolve(json::value& document, const Pointer& pointer, std::size_t length) {
  json::value* at = &document;
  for (std::size_t i = 0; i < length && at; ++i) at = step(*at, pointer[i]);
  return at;
}

// Roughly the bytes that a value takes as text: what copies are limited by.
std::size_t weight(const json::value& value) {
  std::size_t total = 1;
  if (const json::object* object = value.if_object()) {
    for (const auto& member : *object) total += member.key().size() + 4 + weight(member.value());
  } else if (const json::array* array = value.if_array()) {
    for (const json::value& element : *array) total += 1 + weight(element);
  } else if (const json::string* text = value.if_string()) {
    total += text->size() + 2;
  }
  return total;
}

// Adds what it visits to `effort`.
std::size_t depth(const json::value& value, std::size_t& effort) {
  std::size_t deepest = 0;
  ++effort;
  if (const json::object* object = value.if_object()) {
    for (const auto& member : *object) {
      deepest = std::max(deepest, 1 + depth(member.value(), effort));
    }
  } else if (const json::array* array = value.if_array()) {
    for (const json::value& element : *array) {
      deepest = std::max(deepest, 1 + depth(element, effort));
    }
  }
  return deepest;
}

// RFC 6902, 4.6: numbers are equal if their values are.
bool equal(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) {
    if (!a.is_double() && !b.is_double()) return a == b;
    return a.to_number<double>() == b.to_number<double>();
  }
  if (a.kind() != b.kind()) return false;
  if (const json::object* x = a.if_object()) {
    const json::object& y = b.get_object();
    if (x->size() != y.size()) return false;
    for (const auto& member : *x) {
      const json::value* other = y.if_contains(member.key());
      if (!other || !equal(member.value(), *other)) return false;
    }
    return true;
  }
  if (const json::array* x = a.if_array()) {
    const json::array& y = b.get_array();
    if (x->size() != y.size()) return false;
    for (std::size_t i = 0; i < x->size(); ++i) {
      if (!equal((*x)[i], y[i])) return false;
    }
    return true;
  }
  return a == b;
}

class Patcher {
 public:
  explicit Patcher(json::value& document) : document_(document) {}

  PatchFailure apply(const json::value& operation) {
    const json::object* members = operation.if_object();
    if (!members) return malformed("an operation must be an object");
    if (PatchFailure failure = text(*members, "op", op_)) return failure;
    if (PatchFailure failure = text(*members, "path", path_text_)) return failure;
    const std::optional<Pointer> path = parse_pointer(path_text_);
    if (!path) return malformed("\"" + path_text_ + "\" is no JSON pointer");
    path_ = *path;
    if (effort_ > effort_max) {
      return {FailureKind::too_large, "the patch takes too many steps to apply", path_text_};
    }
    if (op_ == "remove") return remove();
    if (op_ == "move" || op_ == "copy") return transfer(*members, op_ == "move");
    const json::value* value = members->if_contains("value");
    if (op_ != "add" && op_ != "replace" && op_ != "test") {
      return malformed("unexpected operation \"" + op_ + "\"");
    }
    if (!value) return malformed(op_ + " needs a value");
    if (op_ == "test") return test(*value);
    if (op_ == "add") return add(*value);
    return replace(*value);
  }

 private:
  static PatchFailure malformed(std::string message) {
    return {FailureKind::malformed, std::move(message), {}};
  }
  PatchFailure failed(const std::string& why) const {
    return {FailureKind::unapplied, op_ + " operation does not apply: " + why, path_text_};
  }
  PatchFailure missing() const { return failed("doc is missing path: " + path_text_); }

  static PatchFailure text(const json::object& members, const char* name, std::string& out) {
    const json::value* member = members.if_contains(name);
    if (!member || !member->is_string()) {
      return malformed(std::string("an operation needs a string \"") + name + "\"");
    }
    out = view(member->get_string());
    return {};
  }

  PatchFailure add(json::value value) {
    if (path_.empty()) {
      document_ = std::move(value);
      return {};
    }
    json::value* parent = resolve(document_, path_, path_.size() - 1);
    if (!parent) return missing();
    if (json::object* object = parent->if_object()) {
      object->insert_or_assign(as_json(path_.back()), std::move(value));
      return {};
    }
    json::array* array = parent->if_array();
    if (!array) return missing();
    const std::optional<std::size_t> index =
        path_.back() == "-" ? array->size() : parse_index(path_.back(), array->size());
    if (!index) return failed("invalid index referenced: " + path_.back());
    effort_ += (array->size() - *index) / moved_per_step;
    array->insert(array->begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
    return {};
  }

  PatchFailure remove() {
    if (path_.empty()) return failed("the whole document cannot be removed");
    json::value* parent = resolve(document_, path_, path_.size() - 1);
    if (!parent || !step(*parent, path_.back())) return missing();
    if (json::object* object = parent->if_object()) {
      object->erase(as_json(path_.back()));
    } else {
      json::array& array = parent->get_array();
      const std::size_t index = *parse_index(path_.back(), array.size());
      effort_ += (array.size() - index) / moved_per_step;
      array.erase(array.begin() + static_cast<std::ptrdiff_t>(index));
    }
    return {};
  }

  PatchFailure replace(const json::value& value) {
    json::value* target = resolve(document_, path_, path_.size());
    if (!target) return missing();
    *target = value;
    return {};
  }

  PatchFailure test(const json::value& value) {
    const json::value* target = resolve(document_, path_, path_.size());
    // A member that is not there is as good as null: clients test for absence in this way.
    if (target ? equal(*target, value) : value.is_null()) return {};
    return {FailureKind::unapplied, "testing value " + path_text_ + " failed: test failed", path_text_};
  }

  PatchFailure transfer(const json::object& members, bool move) {
    std::string from_text;
    if (PatchFailure failure = text(members, "from", from_text)) return failure;
    const std::optional<Pointer> from = parse_pointer(from_text);
    if (!from) return malformed("\"" + from_text + "\" is no JSON pointer");
    json::value* source = resolve(document_, *from, from->size());
    if (!source) return failed("doc is missing from path: " + from_text);
    if (!move) {
      copied_ += weight(*source);
      if (copied_ > copied_bytes_max) {
        return {FailureKind::too_large,
                "Unable to complete the copy, the accumulated size increase of copy is " +
                    std::to_string(copied_) + ", exceeding the limit " +
                    std::to_string(copied_bytes_max),
                path_text_};
      }
      if (depth(*source, effort_) + path_.size() > 2 * json_depth_max) {
        return failed("the document would nest too deeply");
      }
      return add(json::value(*source));
    }
    if (path_ == *from) return {};
    if (path_.size() > from->size() && std::equal(from->begin(), from->end(), path_.begin())) {
      return failed("a value cannot be moved into itself");
    }
    if (depth(*source, effort_) + path_.size() > 2 * json_depth_max) {
      return failed("the document would nest too deeply");
    }
    json::value value = std::move(*source);
    Pointer path = *from;
    std::swap(path, path_);
    if (PatchFailure failure = remove()) return failure;
    std::swap(path, path_);
    return add(std::move(value));
  }

  json::value& document_;
  std::string op_, path_text_;
  Pointer path_;
  std::size_t copied_ = 0;
  std::size_t effort_ = 0;
};

}  // namespace

PatchFailure apply_json_patch(boost::json::value& document, const boost::json::value& patch) {
  const json::array* operations = patch.if_array();
  if (!operations) return {FailureKind::malformed, "a JSON patch is an array of operations", {}};
  if (operations->size() > operations_max) {
    return {FailureKind::too_large,
            "The allowed maximum operations in a JSON patch is " + std::to_string(operations_max) +
                ", got " + std::to_string(operations->size()),
            {}};
  }
  Patcher patcher(document);
  for (const json::value& operation : *operations) {
    if (PatchFailure failure = patcher.apply(operation)) return failure;
  }
  return {};
}

void apply_merge_patch(boost::json::value& document, const boost::json::value& patch) {
  const json::object* members = patch.if_object();
  if (!members) {
    document = patch;
    return;
  }
  if (!document.is_object()) document = json::object();
  json::object& object = document.get_object();
  for (const auto& member : *members) {
    if (member.value().is_null()) {
      object.erase(member.key());
    } else {
      apply_merge_patch(object[member.key()], member.value());
    }
  }
}

}  // namespace keelson::api
