// Objects are immutable and shared: the store, watch hubs, informer caches and the scheduler of one
// process hold the same one. A change makes a new Object.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/api/types.hpp"
#include "core/base/assert.hpp"
#include "core/base/hash.hpp"

namespace keelson::api {

// A point in the history of the store, compared lexicographically. The epoch rises when the store has
// lost acknowledged history (a failover); the value rises by one with each mutation, never falls, not
// even across epochs, and is what clients see as resourceVersion.
struct Revision {
  uint64_t epoch = 0;
  uint64_t value = 0;
  friend auto operator<=>(const Revision&, const Revision&) = default;
  explicit operator bool() const { return value != 0; }  // zero: never committed
};
std::string to_string(Revision revision);  // the resourceVersion

// Names an object, not an incarnation of it: check the uid where that matters.
struct ObjectKey {
  Kind kind{};
  std::string ns;  // empty for cluster-scoped kinds
  std::string name;
  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
};
std::string to_string(const ObjectKey& key);  // "pods default/web"
struct ObjectKeyHash {
  std::size_t operator()(const ObjectKey& key) const {
    return hash_bytes(key.name, hash_bytes(key.ns, static_cast<uint64_t>(key.kind) + 1));
  }
};

class Object;
using ObjectPtr = std::shared_ptr<const Object>;
using MessagePtr = std::shared_ptr<const Message>;

class Object {
 public:
  // REQUIRES: `body` is a message of the kind. In the body metadata.resourceVersion stays empty: the
  // revision stands here and is written out by the codecs.
  Object(Kind kind, MessagePtr body, Revision revision = {});

  Kind kind() const { return kind_; }
  Revision revision() const { return revision_; }
  const ObjectMeta& meta() const { return *meta_; }
  const std::string& ns() const { return meta_->namespace_(); }
  const std::string& name() const { return meta_->name(); }
  const std::string& uid() const { return meta_->uid(); }
  ObjectKey key() const { return {kind_, ns(), name()}; }
  const Message& message() const { return *body_; }
  const MessagePtr& body() const { return body_; }
  bool deleting() const { return meta_->has_deletion_timestamp(); }

  // REQUIRES: kind() == kind_of<M>.
  template <class M>
  const M& as() const {
    KEELSON_ASSERT(kind_ == kind_of<M>);
    return static_cast<const M&>(*body_);
  }

  // The same content at another revision; shares the body.
  ObjectPtr at(Revision revision) const {
    return std::make_shared<const Object>(kind_, body_, revision);
  }

 private:
  MessagePtr body_;
  const ObjectMeta* meta_;
  Revision revision_;
  Kind kind_;
};

template <class M>
ObjectPtr make_object(M message, Revision revision = {}) {
  return std::make_shared<const Object>(kind_of<M>, std::make_shared<const M>(std::move(message)),
                                        revision);
}

// A handle to an object of a known kind: behaves like a pointer to the message. May be null.
template <class M>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}  // NOLINT
  explicit Ref(ObjectPtr object) : object_(std::move(object)) {
    KEELSON_ASSERT(!object_ || object_->kind() == kind_of<M>);
  }
  explicit operator bool() const { return object_ != nullptr; }
  const M* operator->() const { return &object_->as<M>(); }
  const M& operator*() const { return object_->as<M>(); }
  const Object& object() const { return *object_; }
  const ObjectPtr& ptr() const { return object_; }
  Revision revision() const { return object_->revision(); }
  const std::string& ns() const { return object_->ns(); }
  const std::string& name() const { return object_->name(); }
  const std::string& uid() const { return object_->uid(); }
  friend bool operator==(const Ref& a, const Ref& b) { return a.object_ == b.object_; }

 private:
  ObjectPtr object_;
};

// The metadata of any served message, by reflection-free dispatch on the kind.
const ObjectMeta& meta_of(Kind kind, const Message& message);
ObjectMeta& mutable_meta_of(Kind kind, Message& message);
// A new, empty message of the kind.
std::unique_ptr<Message> new_message(Kind kind);

}  // namespace keelson::api
