// POST: from what a client sent to the object that will stand in the store.
#include "core/api/root_ca.hpp"
#include "core/api/validation.hpp"
#include "core/apiserver/pipeline/admission.hpp"
#include "core/apiserver/pipeline/claim_lease.hpp"
#include "core/apiserver/pipeline/fields.hpp"
#include "core/apiserver/pipeline/leases.hpp"
#include "core/apiserver/pipeline/metadata.hpp"
#include "core/apiserver/pipeline/operation.hpp"
#include "core/apiserver/pipeline/registry.hpp"
#include "core/apiserver/pipeline/service_addresses.hpp"

namespace keelson::apiserver {

namespace {

class Create final : public Operation {
 public:
  using Operation::Operation;

  std::string lane() const override {
    if (request_.kind == Kind::services) return std::string(kServiceLane);
    const std::string* node = placed_on(request_.body.get());
    return node ? node_lane(*node) : std::string();
  }

  Attempt attempt() override {
    if (!prepared_) {
      if (ApiError error = prepare()) return Attempt::fail(std::move(error));
    }
    const ObjectMeta& meta = api::meta_of(request_.kind, *prepared_);
    if (ApiError error =
            check_namespace(context_.cache, request_.kind, meta.namespace_(), meta.name())) {
      return Attempt::fail(std::move(error));
    }
    if (context_.cache.find(request_.kind, meta.namespace_(), meta.name())) {
      return Attempt::fail(api::already_exists(request_.kind, meta.name()));
    }
    Attempt attempt = commit(meta);
    if (attempt.writes.empty() || !api::info(request_.kind).namespaced) return attempt;
    // The namespace's deletion changes it, so either this creation comes first and whoever removes
    // the namespace finds the object in it, or it is refused (GC-6).
    attempt.checks.push_back(
        unchanged(*context_.cache.find(Kind::namespaces, "", meta.namespace_())));
    return attempt;
  }

  Response committed(const store::Committed& committed) override {
    Response response = Operation::committed(committed);
    response.created = true;
    return response;
  }

 private:
  // Everything that does not depend on whether the name is free. Kept for further attempts, so that
  // an object keeps its uid if the outcome of a commit is in doubt.
  ApiError prepare() {
    if (!request_.body || !is_message_of(request_.kind, *request_.body)) {
      return api::bad_request("the object provided is unrecognized: expected a " +
                              api::info(request_.kind).name);
    }
    std::unique_ptr<Message> message = clone(*request_.body);
    ObjectMeta& meta = api::mutable_meta_of(request_.kind, *message);
    if (!meta.resource_version().empty() || request_.expected.revision) {
      ApiError error = api::internal_error("resourceVersion should not be set on objects to be created");
      error.reason = Reason::unclassified;
      return error;
    }
    if (ApiError error = check_place(request_, meta)) return error;
    if (meta.name().empty() && !meta.generate_name().empty()) {
      meta.set_name(context_.ids.name(meta.generate_name()));
    }
    if (ApiError error =
            check_namespace(context_.cache, request_.kind, meta.namespace_(), meta.name())) {
      return error;
    }
    begin_life(meta, context_.ids.uid(), context_.loop.wall_now());
    api::apply_defaults(request_.kind, *message);
    // Before the server adds what is its own to decide. An application has noted its own.
    if (request_.verb == Verb::create) note_update(request_, context_, nullptr, *message);
    if (ApiError error = admit_create(context_, request_.kind, *message)) return error;
    prepare_create(request_.kind, *message);
    if (request_.kind == Kind::certificate_signing_requests) {
      stamp_caller(request_, static_cast<api::CertificateSigningRequest&>(*message));
    }
    if (ApiError error = guarded(nullptr, message.get())) return error;
    if (ApiError error = api::validate_create(request_.kind, *message)) return error;
    prepared_ = std::move(message);
    return {};
  }

  Attempt commit(const ObjectMeta& meta) {
    Attempt attempt;
    if (request_.kind == Kind::services) {
      auto service = std::make_shared<api::Service>(static_cast<const api::Service&>(*prepared_));
      bool allocated = false;
      if (ApiError error = assign_addresses(context_, *service, nullptr, &allocated)) {
        return Attempt::fail(std::move(error));
      }
      attempt.writes.push_back(put_new(request_.kind, std::move(service)));
      if (allocated) attempt.writes.push_back(touch_addresses(context_));
      return attempt;
    }
    attempt.writes.push_back(put_new(request_.kind, prepared_));
    if (request_.kind == Kind::leases) {
      attempt.grant_role = role_taken(nullptr, static_cast<const api::Lease&>(*prepared_));
    }
    if (request_.kind == Kind::namespaces) add_default_account(attempt, meta.name());
    if (const std::string* name = placed_on(prepared_.get())) {
      // It takes its room without being bound. Nobody asks whether there is any, as in Kubernetes,
      // but a binding that does not know of it must not go through (SC-1).
      const ObjectPtr node = context_.cache.find(Kind::nodes, "", *name);
      if (node) {
        attempt.writes.push_back(claim_lease(context_, kNodeLeaseNamespace, *name, node.get()));
      }
    }
    return attempt;
  }

  // The node that a pod names for itself; null: it is no pod, or it is left to the scheduler.
  const std::string* placed_on(const Message* message) const {
    if (request_.kind != Kind::pods || context_.options.kubernetes_profile) return nullptr;
    if (!message || !is_message<api::Pod>(*message)) return nullptr;
    const std::string& node = static_cast<const api::Pod&>(*message).spec().node_name();
    return node.empty() ? nullptr : &node;
  }

  // Pods of a new namespace find their service account at once, without a controller in between, and
  // what it takes to use it.
  void add_default_account(Attempt& attempt, const std::string& ns) {
    if (context_.cache.find(Kind::service_accounts, ns, "default")) return;
    if (!account_) {
      auto account = std::make_shared<api::ServiceAccount>();
      account->mutable_metadata()->set_name("default");
      account->mutable_metadata()->set_namespace_(ns);
      begin_life(*account->mutable_metadata(), context_.ids.uid(), context_.loop.wall_now());
      account_ = std::move(account);
      if (!context_.options.root_ca.empty()) {
        auto map = std::make_shared<api::ConfigMap>(api::root_ca_map(ns, context_.options.root_ca));
        begin_life(*map->mutable_metadata(), context_.ids.uid(), context_.loop.wall_now());
        root_ca_ = std::move(map);
      }
    }
    attempt.writes.push_back(put_new(Kind::service_accounts, account_));
    if (root_ca_ && !context_.cache.find(Kind::config_maps, ns, api::kRootCaName)) {
      attempt.writes.push_back(put_new(Kind::config_maps, root_ca_));
    }
  }

  MessagePtr prepared_, account_, root_ca_;
};

}  // namespace

OperationPtr make_create(Request&& request, const Context& context) {
  return std::make_shared<Create>(std::move(request), context);
}

}  // namespace keelson::apiserver
