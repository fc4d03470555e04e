#include "core/controllers/root_ca.hpp"

#include <array>

#include "core/api/root_ca.hpp"

namespace keelson::controllers {

namespace {

using api::Kind;

constexpr std::array kRootCaReads{Kind::namespaces, Kind::config_maps};

bool says(const api::ConfigMap& map, const api::ConfigMap& wanted) {
  const auto found = map.data().find(api::kRootCaKey);
  return map.data_size() == 1 && map.binary_data_size() == 0 && found != map.data().end() &&
         found->second == wanted.data().at(api::kRootCaKey);
}

}  // namespace

std::span<const Kind> RootCaController::reads() const { return kRootCaReads; }

void RootCaController::keys_for(const View& /*view*/, const api::ObjectPtr& before,
                                const api::ObjectPtr& after, const KeySink& sink) const {
  const api::Object& object = after ? *after : *before;
  if (object.kind() == Kind::namespaces) {
    if (after) sink(object.key());
  } else if (object.name() == api::kRootCaName) {
    sink({Kind::namespaces, {}, object.ns()});
  }
}

Plan RootCaController::reconcile(const View& view, const api::ObjectKey& key) {
  Plan plan;
  const auto ns = view.get<api::Namespace>({}, key.name);
  if (!ns || ns.object().deleting() || ns->status().phase() == "Terminating") return plan;
  api::ConfigMap wanted = api::root_ca_map(key.name, certificates_pem_);
  const auto map = view.get<api::ConfigMap>(key.name, api::kRootCaName);
  if (!map) {
    plan.then(api::create(api::make_object(std::move(wanted))));
    return plan;
  }
  if (map.object().deleting() || says(*map, wanted)) return plan;
  // Labels and annotations may be anybody's.
  api::ConfigMap changed = *map;
  *changed.mutable_data() = wanted.data();
  changed.clear_binary_data();
  plan.then(api::update(api::make_object(std::move(changed), map.revision())));
  return plan;
}

}  // namespace keelson::controllers
