#include "core/apiserver/pipeline/registry.hpp"

#include <algorithm>
#include <type_traits>

#include "core/api/quantity.hpp"
#include "core/api/canonical.hpp"
#include "core/apiserver/pipeline/metadata.hpp"

namespace keelson::apiserver {

namespace {

template <class F>
decltype(auto) with_type(Kind kind, F f) {
  switch (kind) {
#define X(enumerator, Type) \
  case Kind::enumerator: return f(std::type_identity<api::Type>{});
    KEELSON_KINDS(X)
#undef X
  }
  KEELSON_ASSERT(false);
}

template <class M>
inline constexpr bool has_spec = requires(M& m) {
  m.mutable_spec();
};
template <class M>
inline constexpr bool has_status = requires(M& m) {
  m.mutable_status();
};

// Those whose controllers report an observedGeneration, slices and network policies, as in Kubernetes; pods, nodes and
// services count none.
bool counts_generations(Kind kind) {
  return kind == Kind::deployments || kind == Kind::replica_sets ||
         kind == Kind::pod_disruption_budgets || kind == Kind::endpoint_slices ||
         kind == Kind::network_policies;
}

// For kinds without a spec, whose whole content is one.
bool same_but_metadata(Kind kind, const Message& a, const Message& b) {
  const std::unique_ptr<Message> first = clone(a), second = clone(b);
  api::mutable_meta_of(kind, *first).Clear();
  api::mutable_meta_of(kind, *second).Clear();
  return api::same(*first, *second);
}

// Guaranteed: every container limits cpu and memory, and asks for all of it; BestEffort: none asks
// for anything. Source: pkg/apis/core/v1/helper/qos.
std::string_view qos_class(const api::PodSpec& spec) {
  bool any = false, guaranteed = true;
  const auto look = [&](const api::Container& container) {
    for (const char* resource : {"cpu", "memory"}) {
      const auto amount = [&](const auto& map) {
        const auto found = map.find(resource);
        return found == map.end() ? int64_t{0} : api::milli_value_of(found->second);
      };
      const int64_t request = amount(container.resources().requests());
      const int64_t limit = amount(container.resources().limits());
      any = any || request > 0 || limit > 0;
      guaranteed = guaranteed && limit > 0 && (request == 0 || request == limit);
    }
  };
  for (const auto& container : spec.containers()) look(container);
  for (const auto& container : spec.init_containers()) look(container);
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

void prepare(api::Pod& pod) {
  pod.clear_status();
  pod.mutable_status()->set_phase("Pending");
  pod.mutable_status()->set_qos_class(std::string(qos_class(pod.spec())));
  // No scheduler looks at a gated pod, so nobody else would say why it is pending. Kubernetes gives
  // the condition no time of transition. Source: pkg/registry/core/pod/strategy.
  if (pod.spec().scheduling_gates().empty()) return;
  api::PodCondition& gated = *pod.mutable_status()->add_conditions();
  gated.set_type("PodScheduled");
  gated.set_status("False");
  gated.set_reason("SchedulingGated");
  gated.set_message("Scheduling is blocked due to non-empty scheduling gates");
}

void prepare(api::Namespace& ns) {
  ns.clear_status();
  ns.mutable_status()->set_phase("Active");
  // The namespace controller takes this away when the namespace is empty.
  auto& finalizers = *ns.mutable_spec()->mutable_finalizers();
  if (std::find(finalizers.begin(), finalizers.end(), "kubernetes") == finalizers.end()) {
    ns.mutable_spec()->add_finalizers("kubernetes");
  }
}

// Agents register their node with its status in one request.
void prepare(api::Node& node) {
  node.mutable_status();
}

template <class M>
void prepare(M& message) {
  if constexpr (has_status<M>) {
    message.clear_status();
    message.mutable_status();
  }
}

}  // namespace

bool is_message_of(Kind kind, const Message& message) {
  return with_type(kind, [&]<class M>(std::type_identity<M>) { return is_message<M>(message); });
}

std::unique_ptr<Message> clone(const Message& message) {
  std::unique_ptr<Message> copy(message.New());
  copy->CopyFrom(message);
  return copy;
}

const Message* spec_of(Kind kind, const Message& message) {
  return with_type(kind, [&]<class M>(std::type_identity<M>) -> const Message* {
    if constexpr (has_spec<M>) return &static_cast<const M&>(message).spec();
    return nullptr;
  });
}

const Message* status_of(Kind kind, const Message& message) {
  return with_type(kind, [&]<class M>(std::type_identity<M>) -> const Message* {
    if constexpr (has_status<M>) return &static_cast<const M&>(message).status();
    return nullptr;
  });
}

void prepare_create(Kind kind, Message& message) {
  with_type(kind, [&]<class M>(std::type_identity<M>) {
    prepare(static_cast<M&>(message));
    if (counts_generations(kind)) api::mutable_meta_of(kind, message).set_generation(1);
  });
}

void keep_status(Kind kind, Message& now, const Message& before) {
  with_type(kind, [&]<class M>(std::type_identity<M>) {
    if constexpr (has_status<M>) {
      const M& from = static_cast<const M&>(before);
      M& to = static_cast<M&>(now);
      // What was asked for and who asked stays, whatever is sent.
      if constexpr (std::is_same_v<M, api::CertificateSigningRequest>) {
        *to.mutable_spec() = from.spec();
      }
      if (from.has_status()) {
        *to.mutable_status() = from.status();
      } else {
        to.clear_status();
      }
    }
  });
}

std::unique_ptr<Message> with_status(Kind kind, const Message& before, const Message& source) {
  return with_type(kind, [&]<class M>(std::type_identity<M>) -> std::unique_ptr<Message> {
    if constexpr (has_status<M>) {
      const M& from = static_cast<const M&>(before);
      auto now = std::make_unique<M>();
      *now->mutable_metadata() = from.metadata();
      *now->mutable_spec() = from.spec();
      *now->mutable_status() = static_cast<const M&>(source).status();
      if constexpr (std::is_same_v<M, api::Pod>) {
        // Decided once at creation; a writer that does not know it does not erase it.
        if (now->status().qos_class().empty()) {
          now->mutable_status()->set_qos_class(from.status().qos_class());
        }
      }
      return now;
    }
    return clone(before);
  });
}

void take_metadata(Kind kind, Message& now, const Message& before, const Message& source) {
  ObjectMeta& meta = api::mutable_meta_of(kind, now);
  const ObjectMeta& old = api::meta_of(kind, before);
  meta = api::meta_of(kind, source);
  carry_over(meta, old);
  if (kind == Kind::pods) *meta.mutable_owner_references() = old.owner_references();
  if (kind == Kind::deployments) *meta.mutable_labels() = old.labels();
}

void count_generation(Kind kind, Message& now, const Message& before) {
  if (!counts_generations(kind)) return;
  const Message* spec = spec_of(kind, now);
  if (spec ? api::same(*spec, *spec_of(kind, before)) : same_but_metadata(kind, now, before)) return;
  ObjectMeta& meta = api::mutable_meta_of(kind, now);
  meta.set_generation(meta.generation() + 1);
}

}  // namespace keelson::apiserver
