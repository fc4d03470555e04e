// Feeds the service rules of one node from the API: two informers and nothing else. Where rules are
// enforced by a backend, listen to rules().on_change().
#pragma once

#include <memory>
#include <string>

#include "core/base/loop.hpp"
#include "core/base/rng.hpp"
#include "core/client/api_client.hpp"
#include "core/client/informer.hpp"
#include "core/proxy/service_rules.hpp"

namespace keelson::proxy {

struct ProxierOptions {
  std::string node;
  std::string user = "system:kube-proxy";
  std::string actor;  // "proxy/n1"
};

class Proxier {
 public:
  Proxier(Loop& loop, client::ApiClient& client, Rng rng, ProxierOptions options,
          std::shared_ptr<TableCache> cache = nullptr);
  Proxier(const Proxier&) = delete;
  Proxier& operator=(const Proxier&) = delete;

  void start();
  // The rules are complete up to the caches; before that, lookups would refuse what exists.
  bool synced() const { return services_.synced() && slices_.synced(); }
  // How recent the rules are: the older of the two caches.
  api::Revision revision() const;
  ServiceRules& rules() { return rules_; }

 private:
  ServiceRules rules_;
  client::Informer services_, slices_;
};

}  // namespace keelson::proxy
