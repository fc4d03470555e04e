// Reflection over map fields without protobuf's detour: the public interface turns a map into a
// repeated field first, keeps both copies in the message and takes a lock. `Reflection` names this
// class a friend for exactly this purpose; its first user, CEL, defines it in the same way.
#pragma once

#include <google/protobuf/map_field.h>
#include <google/protobuf/message.h>

namespace google::protobuf::expr {

class CelMapReflectionFriend {
 public:
  static int size(const Message& message, const FieldDescriptor* field) {
    return message.GetReflection()->MapSize(message, field);
  }
  // Calls visit(key, value) for each entry, in no particular order.
  template <class Visit>
  static void each(const Message& message, const FieldDescriptor* field, Visit visit) {
    const Reflection* reflection = message.GetReflection();
    // The iterators take a mutable message only because they could hand out mutable values.
    auto* unchanged = const_cast<Message*>(&message);
    const MapIterator end = reflection->MapEnd(unchanged, field);
    for (MapIterator at = reflection->MapBegin(unchanged, field); at != end; ++at) {
      visit(at.GetKey().GetStringValue(), static_cast<const MapValueConstRef&>(at.GetValueRef()));
    }
  }
  static MapValueRef at(Message& message, const FieldDescriptor* field, const std::string& name) {
    MapKey key;
    key.SetStringValue(name);
    MapValueRef value;
    message.GetReflection()->InsertOrLookupMapValue(&message, field, key, &value);
    return value;
  }
};

}  // namespace google::protobuf::expr

namespace keelson::api {
using MapAccess = google::protobuf::expr::CelMapReflectionFriend;
}  // namespace keelson::api
