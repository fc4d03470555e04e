#include "core/apiserver/server_leases.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "core/api/json.hpp"
#include "core/apiserver/common.hpp"

namespace keelson::apiserver {

namespace {

// Kubernetes' label of such Leases.
constexpr const char* kLabel = "apiserver.kubernetes.io/identity";
constexpr const char* kLabelValue = "kube-apiserver";
constexpr const char* kAddress = "keelson.io/address";

std::string address_of(const api::Lease& lease) {
  const auto found = lease.metadata().annotations().find(kAddress);
  return found == lease.metadata().annotations().end() ? std::string() : found->second;
}

}  // namespace

struct ServerLeases::Impl {
  Impl(Loop& l, client::ApiClient& c, Log& g, ServerLeaseOptions o)
      : loop(l), client(c), log(g), options(std::move(o)), timer(l, [this] { tick(); }) {}

  std::string lease_name() const { return "apiserver-" + options.name; }

  template <class Handler>
  void call(Request request, Handler handler) {
    request.user = "system:apiserver";
    request.actor = options.identity;
    client.call(std::move(request), life.tie(std::move(handler)));
  }
  void note(const char* what, const ApiError& error) {
    log.warning("apiserver: the Endpoints of default/kubernetes may be old",
                {{"what", what}, {"why", error.message}});
  }

  // --- One round: renew, look at the others, write what follows --------------------------------------
  void tick() {
    if (leaving) return;
    timer.arm(options.period);
    if (!std::exchange(busy, true)) renew(Verb::update);
  }

  void renew(Verb verb) {
    auto lease = std::make_shared<api::Lease>();
    ObjectMeta& meta = *lease->mutable_metadata();
    meta.set_name(lease_name());
    meta.set_namespace_(std::string(kSystemNamespace));
    (*meta.mutable_labels())[kLabel] = kLabelValue;
    (*meta.mutable_annotations())[kAddress] = options.address;
    lease->mutable_spec()->set_holder_identity(options.identity);
    lease->mutable_spec()->set_lease_duration_seconds(
        static_cast<int32_t>(options.period * (options.silent_max + 1) / 1s));
    *lease->mutable_spec()->mutable_renew_time() = api::to_micro_time(loop.wall_now());
    Request request;
    request.verb = verb;
    request.kind = Kind::leases;
    request.ns = kSystemNamespace;
    request.name = lease_name();
    request.body = std::move(lease);
    call(std::move(request), [this, verb](Response response) {
      if (response.ok()) return look();
      if (verb == Verb::update && response.error.reason == Reason::not_found) {
        return renew(Verb::create);
      }
      over("renew", response.error);
    });
  }

  void look() {
    Request request = api::list(Kind::leases, std::string(kSystemNamespace));
    request.label_selector = std::string(kLabel) + "=" + kLabelValue;
    call(std::move(request), [this](Response response) {
      if (!response.ok()) return over("list", response.error);
      judge(response.items);
      write_endpoints();
    });
  }

  void judge(const std::vector<ObjectPtr>& leases) {
    std::map<std::string, Seen> now;
    addresses = {options.address};
    for (const ObjectPtr& object : leases) {
      if (object->name() == lease_name()) continue;
      Seen& one = now[object->name()];
      one.revision = object->revision();
      const auto before = seen.find(object->name());
      if (before != seen.end() && before->second.revision == one.revision) {
        one.silent = before->second.silent + 1;
      }
      if (one.silent >= options.silent_max) {
        give_up(*object);
      } else if (const std::string address = address_of(object->as<api::Lease>());
                 !address.empty()) {
        addresses.insert(address);
      }
    }
    seen = std::move(now);
  }

  // On condition that it is still silent.
  void give_up(const Object& lease) {
    log.warning("apiserver: another is silent and given up", {{"lease", lease.name()}});
    Request request = api::remove(lease);
    request.expected.revision = lease.revision();
    call(std::move(request), [](const Response&) {});
  }

  void write_endpoints() {
    call(api::get(Kind::endpoints, "default", "kubernetes"), [this](Response response) {
      if (!response.ok()) return over("endpoints", response.error);
      api::Endpoints endpoints = response.object->as<api::Endpoints>();
      endpoints.clear_subsets();
      api::EndpointSubset& subset = *endpoints.add_subsets();
      for (const std::string& address : addresses) subset.add_addresses()->set_ip(address);
      set_port(*subset.add_ports());
      update(response, std::move(endpoints), [this] { write_slice(); });
    });
  }

  void write_slice() {
    call(api::get(Kind::endpoint_slices, "default", "kubernetes"), [this](Response response) {
      if (!response.ok()) return over("slice", response.error);
      api::EndpointSlice slice = response.object->as<api::EndpointSlice>();
      slice.clear_endpoints();
      for (const std::string& address : addresses) {
        auto& endpoint = *slice.add_endpoints();
        endpoint.add_addresses(address);
        endpoint.mutable_conditions()->set_ready(true);
      }
      slice.clear_ports();
      set_port(*slice.add_ports());
      update(response, std::move(slice), [this] { busy = false; });
    });
  }

  template <class Port>
  void set_port(Port& port) const {
    port.set_name("https");
    port.set_port(options.port);
    port.set_protocol("TCP");
  }

  // A write that would change nothing costs no revision. If another server was faster, the next round
  // sees what it made.
  template <class M>
  void update(const Response& before, M wanted, std::function<void()> then) {
    call(api::update(api::make_object(std::move(wanted), before.object->revision())),
         [this, then = std::move(then)](Response response) {
           if (!response.ok() && response.error.reason != Reason::conflict) {
             return over("write", response.error);
           }
           then();
         });
  }

  void over(const char* what, const ApiError& error) {
    busy = false;
    // A server that begins is not ready yet: soon enough.
    if (error.reason == Reason::service_unavailable && seen.empty()) {
      timer.arm(std::min<Duration>(options.period, 200ms));
    } else {
      note(what, error);
    }
  }

  void leave(std::function<void()> done) {
    leaving = true;
    timer.disarm();
    Request request;
    request.verb = Verb::remove;
    request.kind = Kind::leases;
    request.ns = kSystemNamespace;
    request.name = lease_name();
    call(std::move(request), [done = std::move(done)](const Response&) { done(); });
  }

  struct Seen {
    Revision revision;
    int silent = 0;
  };
  Loop& loop;
  client::ApiClient& client;
  Log& log;
  const ServerLeaseOptions options;
  bool busy = false, leaving = false;
  std::map<std::string, Seen> seen;  // the others' Leases
  std::set<std::string> addresses;   // of all servers that live
  Timer timer;
  Lifeline life;
};

ServerLeases::ServerLeases(Loop& loop, client::ApiClient& client, Log& log,
                           ServerLeaseOptions options)
    : impl_(std::make_unique<Impl>(loop, client, log, std::move(options))) {}
ServerLeases::~ServerLeases() = default;

void ServerLeases::start() { impl_->tick(); }
void ServerLeases::leave(std::function<void()> done) { impl_->leave(std::move(done)); }

}  // namespace keelson::apiserver
