#include "core/proxy/proxier.hpp"

#include <algorithm>
#include <utility>

namespace keelson::proxy {
namespace {

client::InformerOptions informer_options(api::Kind kind, const ProxierOptions& options) {
  client::InformerOptions informer;
  informer.kind = kind;
  informer.user = options.user;
  informer.actor = options.actor.empty() ? "proxy/" + options.node : options.actor;
  return informer;
}

}  // namespace

Proxier::Proxier(Loop& loop, client::ApiClient& client, Rng rng, ProxierOptions options,
                 std::shared_ptr<TableCache> cache)
    : rules_(options.node, std::move(cache)),
      services_(loop, client, rng.fork("services"),
                informer_options(api::Kind::services, options)),
      slices_(loop, client, rng.fork("slices"),
              informer_options(api::Kind::endpoint_slices, options)) {}

void Proxier::start() {
  services_.on_change([this](const api::ObjectPtr& before, const api::ObjectPtr& after) {
    rules_.on_service(before, after);
  });
  slices_.on_change([this](const api::ObjectPtr& before, const api::ObjectPtr& after) {
    rules_.on_slice(before, after);
  });
  // One synchronisation per batch of changes, and none before both lists are there: a rule set with
  // services but without endpoints would refuse connections that work.
  const auto progress = [this] {
    if (synced()) rules_.sync();
  };
  services_.on_progress(progress);
  slices_.on_progress(progress);
  services_.start();
  slices_.start();
}

api::Revision Proxier::revision() const {
  return std::min(services_.revision(), slices_.revision());
}

}  // namespace keelson::proxy
