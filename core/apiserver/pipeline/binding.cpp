// POST pods/x/binding: the scheduler's verdict becomes spec.nodeName.
//
// No over-commit by construction (SC-1), also with several schedulers and API servers: the
// transaction writes the pod and, beside it, the node's Lease in kube-node-lease on condition that
// the Lease is still at the revision at which it stands in memory. Each binding writes it, so
// nobody can have bound a pod to the node that the sum over the pods in memory does not know. (The
// idea is Nomad's plan applier; the store's transactions make it a compare-and-set.)
#include <algorithm>

#include "core/api/json.hpp"
#include "core/apiserver/pipeline/claim_lease.hpp"
#include "core/apiserver/pipeline/operation.hpp"
#include "core/apiserver/pipeline/registry.hpp"
#include "core/base/seeded_bug.hpp"

namespace keelson::apiserver {

namespace {

ApiError refuse(const std::string& pod, const std::string& why) {
  ApiError error = api::conflict(Kind::pods, pod, why);
  error.kind = "pods/binding";
  error.message = "Operation cannot be fulfilled on pods/binding \"" + pod + "\": " + why;
  return error;
}

ApiError invalid_binding(const std::string& name, api::Cause cause) {
  ApiError error;
  error.reason = Reason::invalid;
  error.name = name;
  error.kind = "Binding";
  error.message = "Binding \"" + name + "\" is invalid: " + cause.field + ": " + cause.message;
  error.causes.push_back(std::move(cause));
  return error;
}

// The condition is kept where it is in the list; its time moves only if it changes.
void set_scheduled(api::PodStatus& status, WallTime now) {
  api::PodCondition* found = nullptr;
  for (auto& condition : *status.mutable_conditions()) {
    if (condition.type() == "PodScheduled") found = &condition;
  }
  if (!found) {
    found = status.add_conditions();
    found->set_type("PodScheduled");
  }
  if (found->status() != "True") *found->mutable_last_transition_time() = api::to_time(now);
  found->set_status("True");
  found->clear_reason();
  found->clear_message();
}

class Bind final : public Operation {
 public:
  using Operation::Operation;

  std::string lane() const override {
    return context_.options.kubernetes_profile ? std::string() : node_lane(target());
  }

  Attempt attempt() override {
    if (!request_.body || !is_message<api::Binding>(*request_.body)) {
      return Attempt::fail(
          api::bad_request("the object provided is unrecognized: expected a Binding"));
    }
    const auto& binding = static_cast<const api::Binding&>(*request_.body);
    if (ApiError error = check_form(binding)) return Attempt::fail(std::move(error));
    const ObjectPtr now = current();
    if (!now) return Attempt::fail(api::not_found(Kind::pods, request_.name));
    if (ApiError error = check_pod(binding, *now)) return Attempt::fail(std::move(error));

    const std::shared_ptr<api::Pod> after = bound(binding, now->as<api::Pod>());
    Attempt attempt;
    attempt.writes.push_back(put_over(*now, after));
    if (context_.options.kubernetes_profile) return attempt;

    const ObjectPtr node = context_.cache.find(Kind::nodes, "", target());
    if (!node) {
      return Attempt::fail(refuse(now->name(), "node \"" + target() + "\" does not exist"));
    }
    if (ApiError error = check_room(*node, *after)) {
      return Attempt::fail(std::move(error));
    }
    attempt.writes.push_back(claim_lease(context_, kNodeLeaseNamespace, node->name(), node.get()));
    // Not a successor of its name, whose room nobody has looked at. Its revision does not matter:
    // its status changes all the time.
    attempt.checks.push_back({node->key(), false, {}, node->uid()});
    return attempt;
  }

 private:
  std::string target() const {
    if (!request_.body || !is_message<api::Binding>(*request_.body)) return {};
    return static_cast<const api::Binding&>(*request_.body).target().name();
  }

  ApiError check_form(const api::Binding& binding) const {
    const std::string& name = request_.name;
    if (!binding.metadata().name().empty() && binding.metadata().name() != name) {
      return api::bad_request("the name of the object (" + binding.metadata().name() +
                              ") does not match the name on the URL (" + name + ")");
    }
    const std::string& kind = binding.target().kind();
    if (!kind.empty() && kind != "Node") {
      return invalid_binding(
          name, {"FieldValueNotSupported",
                 "Unsupported value: \"" + kind + "\": supported values: \"Node\", \"<empty>\"",
                 "target.kind"});
    }
    if (binding.target().name().empty()) {
      return invalid_binding(name, {"FieldValueRequired", "Required value", "target.name"});
    }
    return {};
  }

  // The pod that was scored is named by its uid: a successor of the same name was never scored
  // (SC-3).
  ApiError check_pod(const api::Binding& binding, const Object& now) const {
    const auto& pod = now.as<api::Pod>();
    if (!seeded(SeededBug::bind_by_name)) {
      for (const std::string* uid : {&request_.expected.uid, &binding.metadata().uid()}) {
        if (uid->empty() || *uid == now.uid()) continue;
        return refuse(now.name(), "Precondition failed: UID in precondition: " + *uid +
                                      ", UID in object meta: " + now.uid());
      }
    }
    if (request_.expected.revision && request_.expected.revision->value != now.revision().value) {
      return refuse(now.name(),
                    "the object has been modified; please apply your changes to the "
                    "latest version and try again");
    }
    if (now.deleting()) {
      return refuse(now.name(),
                    "pod " + now.name() + " is being deleted, cannot be assigned to a host");
    }
    if (!pod.spec().node_name().empty()) {
      return refuse(now.name(), "pod " + now.name() + " is already assigned to node \"" +
                                    pod.spec().node_name() + "\"");
    }
    if (!pod.spec().scheduling_gates().empty()) {
      return refuse(now.name(), "pod " + now.name() + " has non-empty .spec.schedulingGates");
    }
    return {};
  }

  ApiError check_room(const Object& node, const api::Pod& pod) const {
    Claims taken;
    std::size_t count = 0;
    for (const PodOnNode& entry : context_.cache.pods_on(node.name())) {
      if (finished(entry.pod->as<api::Pod>())) continue;
      taken.add(entry.claims);
      ++count;
    }
    const std::string why = no_room(node.as<api::Node>(), taken, count, claims_of(pod));
    if (why.empty()) return {};
    return refuse(request_.name, "node \"" + node.name() + "\" has no room for it: " + why);
  }

  std::shared_ptr<api::Pod> bound(const api::Binding& binding, const api::Pod& before) const {
    auto pod = std::make_shared<api::Pod>(before);
    pod->mutable_spec()->set_node_name(target());
    for (const auto& [key, value] : binding.metadata().annotations()) {
      (*pod->mutable_metadata()->mutable_annotations())[key] = value;
    }
    set_scheduled(*pod->mutable_status(), context_.loop.wall_now());
    return pod;
  }
};

}  // namespace

OperationPtr make_binding(Request&& request, const Context& context) {
  return std::make_shared<Bind>(std::move(request), context);
}

}  // namespace keelson::apiserver
