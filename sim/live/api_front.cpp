#include "sim/live/api_front.hpp"

#include <charconv>

#include "core/apiserver/api_server.hpp"
#include "core/auth/access.hpp"
#include "core/rest/front.hpp"
#include "sim/world/container_streams.hpp"
#include "sim/world/control_plane.hpp"
#include "sim/world/usage.hpp"

namespace keelson::sim {

namespace {

class ApiFront final : public LiveFront {
 public:
  ApiFront(World& world, ApiServerProcess& server, const std::string& address,
           const std::optional<auth::JwtKeys>& keys)
      : access_(make_access(world, server, keys)),
        streams_(world, server.process(), server.host()),
        usage_(world, server.process(), server.server()->cache()),
        front_(*server.server(), server.process(), server.log(), access_.get(), &streams_,
               front_options(address, usage_)) {}

  void handle(rest::HttpRequest request, rest::ExchangePtr exchange) override {
    front_.handle(std::move(request), std::move(exchange));
  }
  std::optional<auth::UserInfo> authenticate(std::string_view token) override {
    if (!access_) return std::nullopt;
    return access_->authenticator().authenticate(token);
  }

 private:
  static std::unique_ptr<auth::AccessControl> make_access(
      World& world, ApiServerProcess& server, const std::optional<auth::JwtKeys>& keys) {
    if (!keys) return nullptr;
    const Process& process = server.process();
    return std::make_unique<auth::AccessControl>(
        *server.server(), server.process(),
        world.rng("access").fork(process.name()).fork(process.incarnation()), *keys);
  }
  static rest::FrontOptions front_options(const std::string& address, SimUsage& usage) {
    rest::FrontOptions options;
    options.usage = &usage;
    if (!address.empty()) options.advertised_address = address;
    return options;
  }

  std::unique_ptr<auth::AccessControl> access_;
  WorldStreams streams_;
  SimUsage usage_;
  rest::Front front_;
};

}  // namespace

// Out of the range of nodes and pods.
constexpr const char* kSimulatedApiAddress = "192.168.255.254";

Result<LiveOptions> live_options(const Setup& setup, const std::string& source,
                                 std::optional<auth::JwtKeys> keys) {
  auto world = world_options(setup, source);
  if (!world) return world.error();
  LiveOptions options;
  options.world = std::move(*world);
  options.world.root_ca = setup.ca_pem;
  options.world.api_server_options = [ca = setup.ca_pem, address = setup.address,
                                      controlled =
                                          keys.has_value()](apiserver::ApiServerOptions& server) {
    server.bootstrap_rbac = controlled;
    server.root_ca = ca;
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos) return;
    server.advertise_address = address.substr(0, colon);
    // What clients reach on this host's loopback has an address in the simulated network of its own.
    if (server.advertise_address.starts_with("127.")) {
      server.advertise_address = kSimulatedApiAddress;
    }
    std::from_chars(address.data() + colon + 1, address.data() + address.size(),
                    server.advertise_port);
  };
  options.make_front = [address = setup.address, keys = std::move(keys)](
                           World& w, ApiServerProcess& server) -> std::unique_ptr<LiveFront> {
    return std::make_unique<ApiFront>(w, server, address, keys);
  };
  return options;
}

}  // namespace keelson::sim
