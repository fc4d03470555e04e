#include "core/api/object.hpp"

#include "core/api/kinds.hpp"

namespace keelson::api {

Object::Object(Kind kind, MessagePtr body, Revision revision)
    : body_(std::move(body)), meta_(nullptr), revision_(revision), kind_(kind) {
  KEELSON_ASSERT(body_ != nullptr);
  meta_ = &meta_of(kind, *body_);
}

std::string to_string(Revision revision) { return std::to_string(revision.value); }

std::string to_string(const ObjectKey& key) {
  std::string text(info(key.kind).plural);
  text += ' ';
  if (!key.ns.empty()) text += key.ns + '/';
  return text + key.name;
}

const ObjectMeta& meta_of(Kind kind, const Message& message) {
  switch (kind) {
#define X(enumerator, Type) \
  case Kind::enumerator: return static_cast<const Type&>(message).metadata();
    KEELSON_KINDS(X)
#undef X
  }
  KEELSON_ASSERT(false);
}

ObjectMeta& mutable_meta_of(Kind kind, Message& message) {
  switch (kind) {
#define X(enumerator, Type) \
  case Kind::enumerator: return *static_cast<Type&>(message).mutable_metadata();
    KEELSON_KINDS(X)
#undef X
  }
  KEELSON_ASSERT(false);
}

std::unique_ptr<Message> new_message(Kind kind) {
  switch (kind) {
#define X(enumerator, Type) \
  case Kind::enumerator: return std::make_unique<Type>();
    KEELSON_KINDS(X)
#undef X
  }
  KEELSON_ASSERT(false);
}

}  // namespace keelson::api
