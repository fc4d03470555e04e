// PATCH of type apply: merges what a client says about an object with what others have said, and
// creates the object where there is none.
#include "core/api/apply.hpp"

#include "core/api/json_plan.hpp"
#include "core/apiserver/pipeline/fields.hpp"
#include "core/apiserver/pipeline/metadata.hpp"
#include "core/apiserver/pipeline/registry.hpp"
#include "core/apiserver/pipeline/update.hpp"

namespace keelson::apiserver {

namespace {

// The creation that an application becomes where there is no object.
Request creation(const Request& request, MessagePtr body) {
  Request out = request;
  out.body = std::move(body);
  out.patch.clear();
  return out;
}

class Apply final : public UpdateBase {
 public:
  Apply(Request&& request, const Context& context) : UpdateBase(std::move(request), context) {
    const api::MessagePlan& plan = api::plan_of(*api::new_message(request_.kind));
    configuration_ = api::Configuration::parse(request_.patch, plan, request_.field_validation,
                                               unusable_);
    if (!configuration_) return;
    warnings_ = configuration_->warnings();
    if (request_.subresource == Subresource::none) {
      creation_ = make_create(creation(request_, new_object()), context_);
    }
  }

  std::string lane() const override {
    return creation_ ? creation_->lane() : UpdateBase::lane();
  }

  Attempt attempt() override {
    creating_ = false;
    if (unusable_) return Attempt::fail(unusable_);
    if (request_.subresource == Subresource::status && !api::info(request_.kind).has_status) {
      ApiError error = api::not_found(request_.kind, request_.name);
      error.message = "the server could not find the requested resource";
      return Attempt::fail(std::move(error));
    }
    if (const ObjectPtr before = current()) return change(before);
    if (!creation_) return Attempt::fail(api::not_found(request_.kind, request_.name));
    if (request_.refuse_create) return Attempt::fail(request_.refuse_create);
    if (ApiError error = check_new()) return Attempt::fail(std::move(error));
    creating_ = true;
    return creation_->attempt();
  }

  Response committed(const store::Committed& committed) override {
    if (!creating_) return UpdateBase::committed(committed);
    Response response = creation_->committed(committed);
    response.warnings = warnings_;
    return response;
  }

 protected:
  void note_fields(const Object& before, Message& now) const override {
    api::note_application(request_.kind, applied_, &before.message(), now,
                          field_writer(request_, context_));
  }

 private:
  MessagePtr new_object() {
    const api::FieldWriter writer = field_writer(request_, context_);
    api::Applied applied =
        api::apply_configuration(request_.kind, nullptr, *configuration_, writer, true);
    if (applied.error) {
      unusable_ = std::move(applied.error);
      return nullptr;
    }
    api::note_application(request_.kind, applied, nullptr, *applied.message, writer);
    return std::move(applied.message);
  }

  const ObjectMeta& sent() const {
    return api::meta_of(request_.kind, configuration_->message());
  }

  // A configuration that names an incarnation or a revision is about an object that was there.
  ApiError check_new() const {
    if (!sent().uid().empty()) {
      return api::conflict(request_.kind, request_.name,
                           "uid mismatch: the provided object specified uid " + sent().uid() +
                               ", and no existing object was found");
    }
    if (!configuration_->resource_version().empty()) {
      return api::conflict_modified(request_.kind, request_.name);
    }
    return {};
  }

  Attempt change(const ObjectPtr& before) {
    const std::optional<Revision> revision = revision_named(configuration_->resource_version());
    if (ApiError error = check_expected({sent().uid(), revision}, *before)) {
      return Attempt::fail(std::move(error));
    }
    if (ApiError error = check_same_object(sent(), *before)) return Attempt::fail(std::move(error));
    applied_ = api::apply_configuration(request_.kind, &before->message(), *configuration_,
                                        field_writer(request_, context_),
                                        request_.force.value_or(false));
    if (applied_.error) return Attempt::fail(std::move(applied_.error));
    Attempt attempt;
    if (request_.subresource == Subresource::status) {
      attempt = write_status(before, new_status(before->message(), *applied_.message));
    } else {
      std::unique_ptr<Message> now = clone(*applied_.message);
      ObjectMeta& meta = api::mutable_meta_of(request_.kind, *now);
      if (ApiError error = check_place(request_, meta)) return Attempt::fail(std::move(error));
      attempt = write_back(before, std::move(now));
    }
    if (attempt.response.ok()) attempt.response.warnings = warnings_;
    return attempt;
  }

  api::ConfigurationPtr configuration_;
  ApiError unusable_;       // why there is no configuration
  OperationPtr creation_;   // null: what is applied to must be there
  bool creating_ = false;   // the last attempt was one to create
  api::Applied applied_;    // by the last attempt
};

}  // namespace

OperationPtr make_apply(Request&& request, const Context& context) {
  return std::make_shared<Apply>(std::move(request), context);
}

}  // namespace keelson::apiserver
