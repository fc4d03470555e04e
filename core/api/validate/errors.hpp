// What validators are written with: a path to the field in question, built without allocating, and
// the list that errors are added to. Source: k8s.io/apimachinery/pkg/util/validation/field.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/canonical.hpp"
#include "core/api/error.hpp"
#include "core/api/kinds.hpp"
#include "core/api/types.hpp"

namespace keelson::api {

// A field's place in the object. Nearly every object is valid, so the text is made only when there
// is an error: a Path is a link to its parent, which must outlive it. Name at most one new step per
// variable (`Path a = p.child("x")`); longer chains are fine inside one call's arguments.
class Path {
 public:
  // The root may have dots, Path("spec.ports"), or be empty for the object itself.
  explicit Path(std::string_view name) : name_(name) {}

  Path child(std::string_view name) const { return Path(this, name, Step::child, 0); }
  Path index(int index) const { return Path(this, {}, Step::index, index); }
  Path key(std::string_view key) const { return Path(this, key, Step::key, 0); }
  std::string to_string() const;  // spec.containers[1].ports[0].hostPort, data[key]

 private:
  enum class Step : uint8_t { root, child, index, key };
  Path(const Path* parent, std::string_view name, Step step, int index)
      : parent_(parent), name_(name), index_(index), step_(step) {}

  const Path* parent_ = nullptr;
  std::string_view name_;
  int index_ = 0;
  Step step_ = Step::root;
};

// How Go prints a value in an error message.
std::string go_quoted(std::string_view text);
std::string go_value(std::span<const std::string> list);  // []string{"a", "b"}
std::string go_value(const google::protobuf::Map<std::string, std::string>& map);
std::string go_value(const IntOrString& value);
std::string go_value(const LabelSelector& selector);
std::string go_value(const Message& message);  // any other: as JSON

// Beyond a limit that no honest object comes near, errors are only counted.
class Errors {
 public:
  void required(const Path& path, std::string_view why = {});
  void invalid(const Path& path, std::string_view value, std::string_view why);
  void invalid(const Path& path, int64_t value, std::string_view why);
  // `shown` is printed as it is.
  void invalid_shown(const Path& path, std::string_view shown, std::string_view why);
  // One error per reason.
  void invalid(const Path& path, std::string_view value, std::span<const std::string> reasons);
  void not_supported(const Path& path, std::string_view value,
                     std::span<const std::string_view> supported);
  void duplicate(const Path& path, std::string_view value);
  void duplicate_shown(const Path& path, std::string_view shown, std::string_view why = {});
  void forbidden(const Path& path, std::string_view why);
  void not_found(const Path& path, std::string_view value);
  void too_long(const Path& path, int64_t bytes_max);
  void too_many(const Path& path, int64_t count, int64_t count_max);

  bool empty() const { return causes_.empty(); }
  size_t size() const { return causes_.size(); }
  // "Pod "x" is invalid: [a, b]", or no error if there is none.
  ApiError finish(Kind kind, std::string_view name) &&;
  // The same of a message that is no stored kind: "TokenRequest", "authentication.k8s.io".
  ApiError finish(std::string_view kind, std::string_view group, std::string_view name) &&;

 private:
  void add(std::string_view reason, const Path& path, std::string message);

  std::vector<Cause> causes_;
  size_t left_out_ = 0;
};

// The texts that came before, for lists whose elements must differ. Nearly all lists are short and
// simply searched; one of a hundred thousand elements must not cost the square of that.
class Seen {
 public:
  // False: it has come before. REQUIRES: the text outlives this.
  bool add(std::string_view text);
  bool contains(std::string_view text) const;

 private:
  std::array<std::string_view, 8> few_;
  size_t count_ = 0;
  std::set<std::string_view> more_;
};

// --- Checks that every kind needs ----------------------------------------------------------------

// "must be greater than or equal to 0"
void check_nonnegative(Errors& errors, const Path& path, int64_t value);
// A port number or, as a string, the name of one.
void check_port(Errors& errors, const Path& path, int64_t port);
void check_port_or_name(Errors& errors, const Path& path, const IntOrString& port);
// A count or a percentage up to 100%, not negative.
void check_int_or_percent(Errors& errors, const Path& path, const IntOrString& value);
void check_percent_max(Errors& errors, const Path& path, const IntOrString& value);
// "25%" is 25; anything that is not digits and a percent sign is nothing.
std::optional<int32_t> parse_percent(std::string_view text);

// The values that the field option one_of allows, in the order in which errors list them.
std::vector<std::string_view> allowed_values(const google::protobuf::Descriptor& message,
                                             int field);
enum class Empty : uint8_t { required, allowed };
void check_one_of(Errors& errors, const Path& path, const google::protobuf::Descriptor& message,
                  int field, std::string_view value, Empty empty);
template <class M>
void check_one_of(Errors& errors, const Path& path, int field, std::string_view value,
                  Empty empty = Empty::required) {
  check_one_of(errors, path, *M::descriptor(), field, value, empty);
}
// Every field with the option required that is absent, and what is absent inside the messages that
// are there: for messages about which nothing else is to be said.
void check_required_fields(Errors& errors, const Path& path, const Message& message);
// Fields with the option immutable, of this message only.
void check_immutable_fields(Errors& errors, const Path& path, const Message& now,
                            const Message& before);


constexpr std::string_view immutable_reason = "field is immutable";
constexpr std::string_view negative_reason = "must be greater than or equal to 0";

}  // namespace keelson::api
