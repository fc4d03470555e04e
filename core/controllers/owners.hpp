// Owner references: who controls whom.
#pragma once

#include <string>
#include <string_view>

#include "core/api/object.hpp"

namespace keelson::controllers {

// The reference with controller=true, or nullptr.
const api::OwnerReference* controller_of(const api::ObjectMeta& meta);
// The reference names an object of this kind (by apiVersion's group and kind).
bool refers_to(const api::OwnerReference& reference, api::Kind kind);
// The key of the controlling object if it is of this kind; false else.
bool controlled_by(const api::Object& object, api::Kind kind, api::ObjectKey* owner);

// A reference with controller and blockOwnerDeletion set, as the workload controllers make them.
api::OwnerReference controller_reference(const api::Object& owner);
// Copies of `object` with the reference added or all references to the uid removed, keeping the
// revision, so that an update is conditional on it.
api::ObjectPtr with_owner(const api::Object& object, const api::OwnerReference& owner);
api::ObjectPtr without_owner(const api::Object& object, const std::string& uid);

bool same_owners(const api::ObjectMeta& a, const api::ObjectMeta& b);
bool same_labels(const api::ObjectMeta& a, const api::ObjectMeta& b);
bool has_finalizer(const api::ObjectMeta& meta, std::string_view finalizer);

// A copy of the message to change, and the object to send made of it.
template <class M>
api::ObjectPtr changed(const api::Ref<M>& object, M message) {
  return api::make_object(std::move(message), object.revision());
}

}  // namespace keelson::controllers
