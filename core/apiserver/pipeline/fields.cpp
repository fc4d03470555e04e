#include "core/apiserver/pipeline/fields.hpp"

#include "core/api/json.hpp"

namespace keelson::apiserver {

api::FieldWriter field_writer(const Request& request, const Context& context) {
  KEELSON_ASSERT(!request.field_manager.empty());
  return {request.field_manager, std::string(api::to_string(request.subresource)),
          api::to_time(context.loop.wall_now())};
}

void note_update(const Request& request, const Context& context, const Message* before,
                 Message& now) {
  if (!request.field_manager.empty()) {
    api::track_update(request.kind, before, now, field_writer(request, context));
    return;
  }
  ObjectMeta& meta = api::mutable_meta_of(request.kind, now);
  if (api::resets_managed_fields(meta)) meta.clear_managed_fields();
}

}  // namespace keelson::apiserver
