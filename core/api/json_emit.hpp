// The one walk over a message that all encodings share. A Sink is told what comes, in order; it is a
// template argument because there are two of them (text, tree) and the walk is hot.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api/json_plan.hpp"
#include "core/api/json_text.hpp"
#include "core/api/map_access.hpp"
#include "core/api/quantity.hpp"
#include "core/api/time_text.hpp"

namespace keelson::api {

template <class Sink>
class JsonEmitter {
 public:
  explicit JsonEmitter(Sink& sink) : sink_(sink) {}

  // Writes `text` as resourceVersion of this metadata, whose own stays empty.
  void set_resource_version(const ObjectMeta& meta, std::string text) {
    versioned_ = &meta;
    resource_version_ = std::move(text);
  }

  void value(const Message& message, const MessagePlan& plan) {
    switch (plan.shape) {
      case MessagePlan::Shape::plain: return object(message, plan);
      case MessagePlan::Shape::time: {
        const auto& time = static_cast<const Time&>(message);
        return sink_.string(format_seconds(time.seconds(), 0, false));
      }
      case MessagePlan::Shape::micro_time: {
        const auto& time = static_cast<const MicroTime&>(message);
        return sink_.string(format_seconds(time.seconds(), time.nanos(), true));
      }
      case MessagePlan::Shape::quantity: return quantity(static_cast<const Quantity&>(message));
      case MessagePlan::Shape::int_or_string: {
        const auto& either = static_cast<const IntOrString&>(message);
        return either.type() == 1 ? sink_.string(either.str_val())
                                  : sink_.integer(either.int_val());
      }
      case MessagePlan::Shape::fields_v1:
        return sink_.raw(static_cast<const FieldsV1&>(message).raw());
      case MessagePlan::Shape::raw:
        return sink_.raw(static_cast<const RawExtension&>(message).raw());
      case MessagePlan::Shape::texts: return texts(message, plan.fields.front());
    }
  }

 private:
  using Type = FieldPlan::Type;
  using Reflection = google::protobuf::Reflection;

  void object(const Message& message, const MessagePlan& plan) {
    sink_.begin_object();
    if (!plan.kind.empty()) {
      sink_.key("kind");
      sink_.string(plan.kind);
      sink_.key("apiVersion");
      sink_.string(plan.api_version);
    }
    members(message, plan);
    sink_.end_object();
  }

  void members(const Message& message, const MessagePlan& plan) {
    const Reflection& reflection = *message.GetReflection();
    for (const FieldPlan& field : plan.fields) {
      if (field.map) {
        map(message, field);
      } else if (field.repeated) {
        list(message, reflection, field);
      } else if (field.type == Type::message) {
        child(message, reflection, field);
      } else {
        scalar(message, reflection, field);
      }
    }
  }

  void child(const Message& message, const Reflection& reflection, const FieldPlan& field) {
    const bool has = reflection.HasField(message, field.field);
    if (field.inlined) {
      // A value of Go, always there: what it writes when empty is written.
      return members(reflection.GetMessage(message, field.field), *field.child);
    }
    if (!has && !field.emit_empty) return;
    sink_.field(field);
    const bool time = field.child->shape == MessagePlan::Shape::time ||
                      field.child->shape == MessagePlan::Shape::micro_time;
    if (!has && time) return sink_.null();
    value(reflection.GetMessage(message, field.field), *field.child);
  }

  void scalar(const Message& message, const Reflection& reflection, const FieldPlan& field) {
    if (field.type == Type::string && versioned_ && &message == versioned_ &&
        field.name == "resourceVersion") {
      sink_.field(field);
      return sink_.string(resource_version_);
    }
    if (field.presence) {
      if (reflection.HasField(message, field.field)) {
        sink_.field(field);
        return scalar_value(message, reflection, field);
      }
      if (field.emit_empty) {  // a pointer of Go without omitempty
        sink_.field(field);
        sink_.null();
      }
      return;
    }
    if (!field.emit_empty && !reflection.HasField(message, field.field)) return;
    sink_.field(field);
    scalar_value(message, reflection, field);
  }

  void scalar_value(const Message& message, const Reflection& reflection, const FieldPlan& field) {
    switch (field.type) {
      case Type::string:
        return sink_.string(reflection.GetStringReference(message, field.field, &scratch_));
      case Type::bytes:
        return sink_.string(
            encode_base64(reflection.GetStringReference(message, field.field, &scratch_)));
      case Type::boolean: return sink_.boolean(reflection.GetBool(message, field.field));
      case Type::int32: return sink_.integer(reflection.GetInt32(message, field.field));
      case Type::int64: return sink_.integer(reflection.GetInt64(message, field.field));
      case Type::message: break;
    }
  }

  void list(const Message& message, const Reflection& reflection, const FieldPlan& field) {
    const int size = reflection.FieldSize(message, field.field);
    if (size == 0) {
      if (!field.emit_empty) return;
      sink_.field(field);
      return sink_.null();  // a nil slice of Go
    }
    sink_.field(field);
    sink_.begin_array();
    for (int i = 0; i < size; ++i) {
      sink_.element();
      switch (field.type) {
        case Type::string:
          sink_.string(
              reflection.GetRepeatedStringReference(message, field.field, i, &scratch_));
          break;
        case Type::bytes:
          sink_.string(encode_base64(
              reflection.GetRepeatedStringReference(message, field.field, i, &scratch_)));
          break;
        case Type::boolean:
          sink_.boolean(reflection.GetRepeatedBool(message, field.field, i));
          break;
        case Type::int32:
          sink_.integer(reflection.GetRepeatedInt32(message, field.field, i));
          break;
        case Type::int64:
          sink_.integer(reflection.GetRepeatedInt64(message, field.field, i));
          break;
        case Type::message:
          value(reflection.GetRepeatedMessage(message, field.field, i), *field.child);
          break;
      }
    }
    sink_.end_array();
  }

  void map(const Message& message, const FieldPlan& field) {
    if (MapAccess::size(message, field.field) == 0) {
      if (field.emit_empty) {
        sink_.field(field);
        sink_.null();
      }
      return;
    }
    sink_.field(field);
    sink_.begin_object();
    // The map's own order changes from run to run; Go sorts.
    if (field.type == Type::message) {
      std::vector<std::pair<std::string, const Message*>> entries;
      MapAccess::each(message, field.field, [&](const std::string& key, const auto& entry) {
        entries.emplace_back(key, &entry.GetMessageValue());
      });
      sort_by_key(entries);
      for (const auto& [key, entry] : entries) {
        sink_.key(key);
        value(*entry, *field.child);
      }
    } else {
      std::vector<std::pair<std::string, const std::string*>> entries;
      MapAccess::each(message, field.field, [&](const std::string& key, const auto& entry) {
        entries.emplace_back(key, &entry.GetStringValue());
      });
      sort_by_key(entries);
      for (const auto& [key, entry] : entries) {
        sink_.key(key);
        field.type == Type::bytes ? sink_.string(encode_base64(*entry)) : sink_.string(*entry);
      }
    }
    sink_.end_object();
  }

  void texts(const Message& message, const FieldPlan& items) {
    const Reflection& reflection = *message.GetReflection();
    sink_.begin_array();
    for (int i = 0; i < reflection.FieldSize(message, items.field); ++i) {
      sink_.element();
      sink_.string(reflection.GetRepeatedStringReference(message, items.field, i, &scratch_));
    }
    sink_.end_array();
  }

  void quantity(const Quantity& quantity) {
    if (quantity.string().empty()) return sink_.string("0");
    const keelson::Result<std::string> canonical = canonical_quantity(quantity.string());
    sink_.string(canonical ? *canonical : quantity.string());
  }

  static void sort_by_key(auto& entries) {
    std::sort(entries.begin(), entries.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
  }

  Sink& sink_;
  const Message* versioned_ = nullptr;
  std::string resource_version_;
  std::string scratch_;
};

}  // namespace keelson::api
