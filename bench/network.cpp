// What nftables costs the core thread: writing all services of a cluster, and changing one of them.
// In a network namespace of its own; needs root.
//   bench_network --services 5000 --endpoints 10
#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cxxopts.hpp>
#include <functional>
#include <vector>

#include "core/proxy/service_rules.hpp"
#include "runtime/network/nft_table.hpp"
#include "runtime/network/routes.hpp"
#include "runtime/network/service_part.hpp"

namespace keelson {
namespace {

api::ObjectPtr service(int number) {
  api::Service service;
  const std::string name = "service-" + std::to_string(number);
  service.mutable_metadata()->set_namespace_("default");
  service.mutable_metadata()->set_name(name);
  service.mutable_metadata()->set_uid(name);
  auto& spec = *service.mutable_spec();
  spec.set_cluster_ip(fmt::format("10.{}.{}.{}", 96 + number / 65536, number / 256 % 256, number % 256));
  spec.add_cluster_ips(spec.cluster_ip());
  auto& port = *spec.add_ports();
  port.set_protocol("TCP");
  port.set_port(80);
  return api::make_object(service);
}

api::ObjectPtr slice(int number, int endpoints, int first) {
  api::EndpointSlice slice;
  slice.mutable_metadata()->set_namespace_("default");
  slice.mutable_metadata()->set_name("slice-" + std::to_string(number));
  slice.set_address_type("IPv4");
  auto& port = *slice.add_ports();
  port.set_protocol("TCP");
  port.set_port(8080);
  for (int i = first; i < first + endpoints; ++i) {
    auto& endpoint = *slice.add_endpoints();
    endpoint.add_addresses(fmt::format("10.244.{}.{}", (number + i) / 250 % 250, (number + i) % 250));
    endpoint.set_node_name("n" + std::to_string(i));
    endpoint.mutable_conditions()->set_ready(true);
  }
  return api::make_object(slice);
}

double ms_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// Routes to 1,000 nodes, all by one gateway.
bool measure_routes() {
  const bool linked = std::system("ip link add v0 type veth peer name v1 && ip addr add 172.16.0.1/16 "
                                  "dev v0 && ip link set v1 up && ip link set v0 up") == 0;
  std::vector<network::Route> routes;
  for (int i = 0; i < 1000; ++i) {
    network::Route route{*api::IpRange::parse(fmt::format("10.{}.{}.0/24", 100 + i / 250, i % 250)), {}};
    api::parse_ip("172.16.0.2", route.gateway);
    routes.push_back(route);
  }
  int added = 0;
  fmt::print("1000 routes  {:9.2f} ms\n", ms_of([&] {
               if (const auto done = network::sync_routes(routes); done.ok()) added = done->added;
             }));
  fmt::print("look again   {:9.2f} ms\n", ms_of([&] { (void)network::sync_routes(routes); }));
  return linked && added == 1000;
}

int run(int services, int endpoints) {
  if (unshare(CLONE_NEWNET) != 0) {
    fmt::print(stderr, "cannot make a network namespace: run as root\n");
    return 2;
  }
  runtime::AsioLoop loop;
  NullLog log;
  network::NftTable table(loop, log, "keelson-services", network::service_skeleton({"10.244.0.0/16"}));
  const network::ServicePartOptions options{"n1", true, {}};
  bool ok = table.start().ok();
  const auto put = [&](int number, int first) {
    const auto built = proxy::build_table(service(number), {slice(number, endpoints, first)});
    table.put("default/" + built->name, network::service_part(*built, options));
  };
  fmt::print("{} services with {} endpoints each\n", services, endpoints);
  fmt::print("put all      {:9.2f} ms\n", ms_of([&] {
               for (int i = 0; i < services; ++i) put(i, 0);
             }));
  fmt::print("write all    {:9.2f} ms\n", ms_of([&] { ok = ok && table.commit().ok(); }));
  std::vector<double> times;
  for (int i = 0; i < 50 && ok; ++i) {
    put(i % services, 1 + i % 7);
    times.push_back(ms_of([&] { ok = ok && table.commit().ok(); }));
  }
  std::sort(times.begin(), times.end());
  if (!times.empty()) {
    fmt::print("change one   {:9.2f} ms median, {:.2f} ms at most\n", times[times.size() / 2], times.back());
  }
  fmt::print("whole tables written: {}\n", table.rebuilds());
  ok = measure_routes() && ok;
  return ok && table.rebuilds() == 1 ? 0 : 1;
}

}  // namespace
}  // namespace keelson

int main(int argc, char** argv) {
  cxxopts::Options options("bench_network", "nftables from the core thread's view\n");
  auto add = options.add_options();
  add("services", "of the cluster", cxxopts::value<int>()->default_value("5000"));
  add("endpoints", "of each", cxxopts::value<int>()->default_value("10"));
  add("help", "this text");
  const cxxopts::ParseResult given = options.parse(argc, argv);
  if (given.count("help")) {
    fmt::print("{}", options.help());
    return 0;
  }
  return keelson::run(given["services"].as<int>(), given["endpoints"].as<int>());
}
