#include "sim/run/traffic.hpp"

#include "core/proxy/service_rules.hpp"

namespace keelson::sim {

void Traffic::start() {
  for (const TrafficSpec& spec : specs_) {
    uint64_t number = 0;
    for (auto& node : world_.nodes()) {
      if (!node->with_proxy()) continue;
      Rng rng = world_.rng("traffic").fork(spec.service).fork(number++);
      // Spread over the period, or all nodes would send in one instant.
      const Duration first = std::max<Duration>(spec.from, 1s) + rng.between(Duration::zero(), spec.every);
      clients_.push_back({node.get(), &spec, rng});
      world_.engine().schedule(first, world_.engine().world(),
                               [this, at = clients_.size() - 1] { tick(at); });
    }
  }
}

void Traffic::tick(std::size_t at) {
  if (stopped_) return;
  Client& client = clients_[at];
  const TrafficSpec& spec = *client.spec;
  if (client.node->powered()) {
    const auto& services = checks_.state().all(api::Kind::services);
    if (spec.service != "*") {
      const api::ObjectPtr service = services.get({spec.ns, spec.service});
      if (service) request(client, service->as<api::Service>());
    } else {
      for (const auto& [name, service] : services.in(spec.ns)) {
        if (name.name != "kubernetes") request(client, service->as<api::Service>());
      }
    }
  }
  world_.engine().schedule(spec.every, world_.engine().world(), [this, at] { tick(at); });
}

void Traffic::request(Client& client, const api::Service& service) {
  const std::string name = service.metadata().namespace_() + "/" + service.metadata().name();
  bool& up = up_[name];
  proxy::ServiceRules* rules = client.node->rules();
  if (rules == nullptr) return;  // a node that has just booted serves no clients yet
  proxy::Flow flow;
  flow.client_ip = "172.16.0.1";
  flow.ip = service.spec().cluster_ip();
  flow.port = static_cast<int32_t>(client.spec->port);
  const proxy::Route route = rules->route(flow, world_.now(), client.rng);
  std::string why;
  if (route.outcome != proxy::Route::Outcome::routed) {
    why = route.outcome == proxy::Route::Outcome::no_service ? "the node does not know the service"
                                                             : "no ready endpoint";
  } else {
    const Node* target = world_.node_of_ip(route.endpoint->ip);
    if (target == nullptr || !target->powered()) {
      why = "the endpoint's node is down";
    } else if (world_.network().cut(client.node->host(), target->host()) ||
               world_.network().cut(target->host(), client.node->host())) {
      why = "the endpoint's node is cut off";
    } else if (!target->runtime().serves(route.endpoint->ip)) {
      why = "nothing serves at the endpoint";
    }
  }
  if (why.empty()) up = true;
  if (!up) return;
  ++total_.sent;
  TrafficCount& count = services_[name];
  ++count.sent;
  if (!why.empty()) {
    ++total_.lost;
    ++count.lost;
    ++losses_[why];
  }
  if (client.spec->must_not_fail) {
    checks_.requested({name, client.node->name(), std::move(why), true});
  }
}

}  // namespace keelson::sim
