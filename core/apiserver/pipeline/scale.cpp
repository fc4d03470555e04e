#include "core/apiserver/pipeline/scale.hpp"

#include <boost/json.hpp>

#include "core/api/apply.hpp"
#include "core/api/json.hpp"
#include "core/api/json_plan.hpp"
#include "core/api/selector.hpp"
#include "core/apiserver/pipeline/fields.hpp"
#include "core/apiserver/pipeline/metadata.hpp"
#include "core/apiserver/pipeline/registry.hpp"
#include "core/apiserver/pipeline/scale_patch.hpp"
#include "core/apiserver/pipeline/update.hpp"

namespace keelson::apiserver {

namespace {

template <class M>
void fill(api::Scale& scale, const M& object) {
  scale.mutable_spec()->set_replicas(object.spec().has_replicas() ? object.spec().replicas() : 1);
  scale.mutable_status()->set_replicas(object.status().replicas());
  const auto selector = api::LabelSelectorMatcher::from(object.spec().selector());
  if (selector) scale.mutable_status()->set_selector(selector->to_string());
}

ApiError invalid_scale(const std::string& name, int32_t replicas) {
  ApiError error;
  error.reason = Reason::invalid;
  error.name = name;
  error.group = "autoscaling";
  error.kind = "Scale";
  api::Cause cause{
      "FieldValueInvalid",
      "Invalid value: " + std::to_string(replicas) + ": must be greater than or equal to 0",
      "spec.replicas"};
  error.message =
      "Scale.autoscaling \"" + name + "\" is invalid: " + cause.field + ": " + cause.message;
  error.causes.push_back(std::move(cause));
  return error;
}

class WriteScale final : public UpdateBase {
 public:
  using UpdateBase::UpdateBase;

  Attempt attempt() override {
    const ObjectPtr before = current();
    if (!before) return Attempt::fail(api::not_found(request_.kind, request_.name));
    if (ApiError error = check_expected(request_.expected, *before)) {
      return Attempt::fail(std::move(error));
    }
    api::Scale scale;
    if (ApiError error = wanted(*before, scale)) return Attempt::fail(std::move(error));
    const ObjectMeta& meta = scale.metadata();
    if (!meta.name().empty() && meta.name() != before->name()) {
      return Attempt::fail(api::bad_request("the name of the object (" + meta.name() +
                                            ") does not match the name on the URL (" +
                                            before->name() + ")"));
    }
    // Unlike stored objects a Scale carries its resourceVersion in the body.
    if (ApiError error =
            check_expected({meta.uid(), revision_named(meta.resource_version())}, *before)) {
      return Attempt::fail(std::move(error));
    }
    if (scale.spec().replicas() < 0) {
      return Attempt::fail(invalid_scale(before->name(), scale.spec().replicas()));
    }
    std::unique_ptr<Message> now = clone(before->message());
    if (request_.kind == Kind::deployments) {
      static_cast<api::Deployment&>(*now).mutable_spec()->set_replicas(scale.spec().replicas());
    } else {
      static_cast<api::ReplicaSet&>(*now).mutable_spec()->set_replicas(scale.spec().replicas());
    }
    Attempt attempt = write_back(before, std::move(now));
    if (attempt.writes.empty() && attempt.response.ok()) {
      show(attempt.response);
      attempt.response.warnings = warnings_;
    }
    return attempt;
  }

  Response committed(const store::Committed& committed) override {
    Response response = UpdateBase::committed(committed);
    show(response);
    return response;
  }

 private:
  static void show(Response& response) {
    response.message = scale_of(*response.object);
    response.object = nullptr;
  }

  bool applying() const {
    return request_.verb == Verb::patch && request_.patch_type == api::PatchType::apply;
  }

  void note_fields(const Object& before, Message& now) const override {
    if (!applying()) return UpdateBase::note_fields(before, now);
    api::note_application(request_.kind, applied_, &before.message(), now,
                          field_writer(request_, context_));
  }

  // What the object has become by applying a Scale, as a Scale.
  ApiError apply(const Object& before, api::Scale& scale) {
    ApiError error;
    const auto configuration = api::Configuration::parse(
        request_.patch, api::plan_of(scale), request_.field_validation, error);
    if (!configuration) return error;
    warnings_ = configuration->warnings();
    applied_ = api::apply_scale(request_.kind, before.message(), *configuration,
                                field_writer(request_, context_), request_.force.value_or(false));
    if (applied_.error) return applied_.error;
    scale = *scale_of(Object(request_.kind, MessagePtr(clone(*applied_.message))));
    *scale.mutable_metadata() =
        static_cast<const api::Scale&>(configuration->message()).metadata();
    scale.mutable_metadata()->set_resource_version(configuration->resource_version());
    return {};
  }

  ApiError wanted(const Object& before, api::Scale& scale) {
    if (applying()) return apply(before, scale);
    if (request_.verb == Verb::patch) {
      warnings_.clear();
      return patch_scale(*scale_of(before), request_.patch_type, request_.patch,
                         request_.field_validation, scale, warnings_);
    }
    if (!request_.body || !is_message<api::Scale>(*request_.body)) {
      return api::bad_request("the object provided is unrecognized: expected a Scale");
    }
    scale = static_cast<const api::Scale&>(*request_.body);
    return {};
  }

  api::Applied applied_;  // by the last attempt
};

}  // namespace

bool has_scale(Kind kind) {
  return kind == Kind::deployments || kind == Kind::replica_sets;
}

std::shared_ptr<api::Scale> scale_of(const Object& object) {
  auto scale = std::make_shared<api::Scale>();
  ObjectMeta& meta = *scale->mutable_metadata();
  meta.set_name(object.name());
  meta.set_namespace_(object.ns());
  meta.set_uid(object.uid());
  if (object.revision()) meta.set_resource_version(api::to_string(object.revision()));
  *meta.mutable_creation_timestamp() = object.meta().creation_timestamp();
  if (object.kind() == Kind::deployments) {
    fill(*scale, object.as<api::Deployment>());
  } else {
    fill(*scale, object.as<api::ReplicaSet>());
  }
  return scale;
}

OperationPtr make_scale(Request&& request, const Context& context) {
  return std::make_shared<WriteScale>(std::move(request), context);
}

}  // namespace keelson::apiserver
