#include "core/controllers/owners.hpp"

#include <algorithm>

#include "core/api/kinds.hpp"

namespace keelson::controllers {

namespace {

api::ObjectPtr copy_with(const api::Object& object,
                         const std::function<void(api::ObjectMeta&)>& change) {
  std::unique_ptr<api::Message> message(object.message().New());
  message->CopyFrom(object.message());
  change(api::mutable_meta_of(object.kind(), *message));
  return std::make_shared<const api::Object>(object.kind(), std::move(message), object.revision());
}

}  // namespace

const api::OwnerReference* controller_of(const api::ObjectMeta& meta) {
  for (const auto& reference : meta.owner_references()) {
    if (reference.controller()) return &reference;
  }
  return nullptr;
}

bool refers_to(const api::OwnerReference& reference, api::Kind kind) {
  const api::KindInfo& info = api::info(kind);
  if (reference.kind() != info.name) return false;
  // Versions of a group are views of the same objects, so only the group counts.
  const std::string& version = reference.api_version();
  const auto slash = version.find('/');
  const std::string_view group =
      slash == std::string::npos ? std::string_view() : std::string_view(version).substr(0, slash);
  return group == info.group;
}

bool controlled_by(const api::Object& object, api::Kind kind, api::ObjectKey* owner) {
  const api::OwnerReference* reference = controller_of(object.meta());
  if (!reference || !refers_to(*reference, kind)) return false;
  *owner = {kind, object.ns(), reference->name()};
  return true;
}

api::OwnerReference controller_reference(const api::Object& owner) {
  const api::KindInfo& info = api::info(owner.kind());
  api::OwnerReference reference;
  reference.set_api_version(info.api_version);
  reference.set_kind(info.name);
  reference.set_name(owner.name());
  reference.set_uid(owner.uid());
  reference.set_controller(true);
  reference.set_block_owner_deletion(true);
  return reference;
}

api::ObjectPtr with_owner(const api::Object& object, const api::OwnerReference& owner) {
  return copy_with(object, [&](api::ObjectMeta& meta) { *meta.add_owner_references() = owner; });
}

api::ObjectPtr without_owner(const api::Object& object, const std::string& uid) {
  return copy_with(object, [&](api::ObjectMeta& meta) {
    auto* references = meta.mutable_owner_references();
    references->erase(std::remove_if(references->begin(), references->end(),
                                     [&](const auto& r) { return r.uid() == uid; }),
                      references->end());
  });
}

bool same_owners(const api::ObjectMeta& a, const api::ObjectMeta& b) {
  return std::equal(a.owner_references().begin(), a.owner_references().end(),
                    b.owner_references().begin(), b.owner_references().end(),
                    [](const auto& x, const auto& y) {
                      return x.uid() == y.uid() && x.controller() == y.controller() &&
                             x.block_owner_deletion() == y.block_owner_deletion();
                    });
}

bool same_labels(const api::ObjectMeta& a, const api::ObjectMeta& b) {
  if (a.labels_size() != b.labels_size()) return false;
  return std::all_of(a.labels().begin(), a.labels().end(), [&](const auto& label) {
    const auto found = b.labels().find(label.first);
    return found != b.labels().end() && found->second == label.second;
  });
}

bool has_finalizer(const api::ObjectMeta& meta, std::string_view finalizer) {
  return std::find(meta.finalizers().begin(), meta.finalizers().end(), finalizer) !=
         meta.finalizers().end();
}

}  // namespace keelson::controllers
