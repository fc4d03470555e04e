// Errors are values. An Error says what kind of failure it is (callers switch on the Code) and, in a
// sentence for people, what to do about it. Expected outcomes are Codes; broken invariants assert.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/base/assert.hpp"

namespace keelson {

// A code exists only if some caller reacts to it specifically.
enum class Code : uint8_t {
  ok,
  not_found,    // the thing named does not exist
  exists,       // it was to be created and is there already
  conflict,     // a precondition (revision, uid) does not hold
  fenced,       // the role token is no longer current: the caller has been deposed
  invalid,      // the input is wrong; the message names the field
  compacted,    // history asked for is gone: list again
  unavailable,  // nothing happened; try later
  unknown,      // no answer: it may or may not have happened; read back before retrying
  denied,       // policy forbids it
  cancelled,    // the caller went away
};

std::string_view to_string(Code code);

struct Error {
  Code code = Code::ok;
  std::string message;
};

// Success, or an Error.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : error_{code, std::move(message)} {}
  Status(Error error) : error_(std::move(error)) {}  // NOLINT: an Error is a Status

  bool ok() const { return error_.code == Code::ok; }
  explicit operator bool() const { return ok(); }
  Code code() const { return error_.code; }
  const std::string& message() const { return error_.message; }
  const Error& error() const { return error_; }

 private:
  Error error_;
};

// A T, or the Error that explains why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {  // NOLINT
    KEELSON_ASSERT(std::get<1>(state_).code != Code::ok);
  }
  Result(Code code, std::string message) : Result(Error{code, std::move(message)}) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  Code code() const { return ok() ? Code::ok : std::get<1>(state_).code; }
  const Error& error() const {
    KEELSON_ASSERT(!ok());
    return std::get<1>(state_);
  }
  const T& value() const& {
    KEELSON_ASSERT_WHY(ok(), ok() ? nullptr : std::get<1>(state_).message.c_str());
    return std::get<0>(state_);
  }
  T& value() & {
    KEELSON_ASSERT_WHY(ok(), ok() ? nullptr : std::get<1>(state_).message.c_str());
    return std::get<0>(state_);
  }
  T&& value() && {
    KEELSON_ASSERT_WHY(ok(), ok() ? nullptr : std::get<1>(state_).message.c_str());
    return std::get<0>(std::move(state_));
  }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

 private:
  std::variant<T, Error> state_;
};

struct Unit {};

}  // namespace keelson
