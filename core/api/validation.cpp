// Which validator judges which kind, and in what order its parts speak.
#include "core/api/validation.hpp"

#include <concepts>

#include "core/api/validate/validators.hpp"

namespace keelson::api {
namespace {

template <class M>
concept HasStatusRules = requires(Errors& errors, const M& message) {
  validate_status_change(errors, message, message);
};

template <class M>
void status_change(Errors& errors, const Message& now, const Message& before) {
  if constexpr (HasStatusRules<M>) {
    validate_status_change(errors, static_cast<const M&>(now), static_cast<const M&>(before));
  }
}

}  // namespace

ApiError validate_create(Kind kind, const Message& message) {
  Errors errors;
  const ObjectMeta& meta = meta_of(kind, message);
  validate_meta_create(errors, kind, meta);
  switch (kind) {
#define X(enumerator, Type) \
  case Kind::enumerator: validate(errors, static_cast<const Type&>(message)); break;
    KEELSON_KINDS(X)
#undef X
  }
  return std::move(errors).finish(kind, meta.name());
}

ApiError validate_update(Kind kind, const Message& now, const Message& before) {
  Errors errors;
  const ObjectMeta& meta = meta_of(kind, now);
  validate_meta_update(errors, meta, meta_of(kind, before));
  switch (kind) {
#define X(enumerator, Type)                                                                   \
  case Kind::enumerator:                                                                      \
    validate_change(errors, static_cast<const Type&>(now), static_cast<const Type&>(before)); \
    break;
    KEELSON_KINDS(X)
#undef X
  }
  return std::move(errors).finish(kind, meta.name());
}

ApiError validate_status_update(Kind kind, const Message& now, const Message& before) {
  Errors errors;
  const ObjectMeta& meta = meta_of(kind, now);
  validate_meta_update(errors, meta, meta_of(kind, before));
  switch (kind) {
#define X(enumerator, Type) \
  case Kind::enumerator: status_change<Type>(errors, now, before); break;
    KEELSON_KINDS(X)
#undef X
  }
  return std::move(errors).finish(kind, meta.name());
}

ApiError validate_ephemeral_containers_update(const Pod& now, const Pod& before) {
  Errors errors;
  validate_meta_update(errors, now.metadata(), before.metadata());
  validate_ephemeral_containers_change(errors, now, before);
  return std::move(errors).finish(Kind::pods, now.metadata().name());
}

}  // namespace keelson::api
