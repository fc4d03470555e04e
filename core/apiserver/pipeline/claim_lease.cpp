#include "core/apiserver/pipeline/claim_lease.hpp"

#include "core/apiserver/pipeline/metadata.hpp"

namespace keelson::apiserver {

namespace {
constexpr const char* kCounter = "keelson.io/claims";
}

store::Write claim_lease(const Context& context, std::string_view ns, const std::string& name,
                         const Object* owner) {
  const ObjectPtr before = context.cache.find(Kind::leases, ns, name);
  std::shared_ptr<api::Lease> lease;
  if (before) {
    lease = std::make_shared<api::Lease>(before->as<api::Lease>());
  } else {
    lease = std::make_shared<api::Lease>();
    ObjectMeta& meta = *lease->mutable_metadata();
    meta.set_namespace_(std::string(ns));
    meta.set_name(name);
    begin_life(meta, context.ids.uid(), context.loop.wall_now());
    if (owner) {
      const api::KindInfo& info = api::info(owner->kind());
      lease->mutable_spec()->set_holder_identity(owner->name());
      api::OwnerReference& reference = *meta.add_owner_references();
      reference.set_api_version(info.api_version);
      reference.set_kind(info.name);
      reference.set_name(owner->name());
      reference.set_uid(owner->uid());
    }
  }
  auto& annotations = *lease->mutable_metadata()->mutable_annotations();
  int64_t count = 0;
  for (const char c : annotations[kCounter]) {
    if (c < '0' || c > '9' || count > 1'000'000'000'000'000) break;  // somebody wrote into it
    count = count * 10 + (c - '0');
  }
  annotations[kCounter] = std::to_string(count + 1);
  return before ? put_over(*before, std::move(lease)) : put_new(Kind::leases, std::move(lease));
}

}  // namespace keelson::apiserver
