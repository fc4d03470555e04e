// The type of a value in a typed tree (typed_tree.hpp), and the steps that lead to its parts.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/api/field_set.hpp"
#include "core/api/json_plan.hpp"

namespace keelson::api {

struct TreeType {
  enum class Form : uint8_t { scalar, message, map, list };

  Form form{};
  bool atomic = false;                 // one field, whatever is in it
  const MessagePlan* plan = nullptr;   // of a message
  const FieldPlan* field = nullptr;    // of a map or a list

  static TreeType of(const MessagePlan& plan);
  static TreeType of(const FieldPlan& field);
  bool leaf() const { return form == Form::scalar || atomic; }
  // A member of a message or map. What a message does not have is a scalar to it.
  TreeType member(std::string_view key) const;
  bool names(std::string_view key) const;  // the message has such a member
  TreeType element() const;                // of a list or map
  // What identifies an element of a list that is a set or map. nullopt: `why` says what is missing.
  std::optional<FieldStep> step_to(const boost::json::value& element, std::string* why) const;
};

}  // namespace keelson::api
