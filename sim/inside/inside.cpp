#include "sim/inside/inside.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "core/api/ephemeral_container.hpp"

namespace keelson::sim {

namespace {

constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

struct Calendar {
  int year;
  unsigned month, day, weekday, hour, minute, second;
};

Calendar calendar_of(WallTime at) {
  using namespace std::chrono;
  const sys_seconds time{floor<seconds>(nanoseconds(at.unix_ns))};
  const sys_days date = floor<days>(time);
  const year_month_day ymd{date};
  const auto in_day = static_cast<unsigned>((time - date).count());
  return {int{ymd.year()},          unsigned{ymd.month()},    unsigned{ymd.day()},
          weekday{date}.c_encoding(), in_day / 3600, in_day / 60 % 60, in_day % 60};
}

}  // namespace

std::optional<api::Container> find_container(const api::Pod& pod, const std::string& name) {
  for (const auto* containers : {&pod.spec().containers(), &pod.spec().init_containers()}) {
    for (const api::Container& container : *containers) {
      if (container.name() == name) return container;
    }
  }
  for (const api::EphemeralContainer& ephemeral : pod.spec().ephemeral_containers()) {
    if (ephemeral.ephemeral_container_common().name() == name) return api::as_container(ephemeral);
  }
  return std::nullopt;
}

std::vector<std::string> command_of(const api::Container& container) {
  return whole_command(container.image(), {container.command().begin(), container.command().end()},
                       {container.args().begin(), container.args().end()});
}

std::vector<std::string> whole_command(const std::string& image, std::vector<std::string> command,
                                       const std::vector<std::string>& args) {
  if (command.empty() && image_name(image) == "agnhost") command.push_back("/agnhost");
  command.insert(command.end(), args.begin(), args.end());
  return command;
}

std::string image_name(const std::string& image) {
  std::string name = image.substr(image.rfind('/') + 1);  // npos + 1 is 0
  return name.substr(0, name.find_first_of(":@"));
}

std::vector<uint16_t> ports_of(const api::Container& container) {
  std::vector<uint16_t> ports;
  for (const api::ContainerPort& port : container.ports()) {
    ports.push_back(static_cast<uint16_t>(port.container_port()));
  }
  if (!ports.empty()) return ports;
  const std::string name = image_name(container.image());
  for (const char* web : {"nginx", "httpd", "caddy", "whoami"}) {
    if (name == web) return {80};
  }
  if (name == "kubernetes-bootcamp" || name == "echoserver") return {8080};
  if (name == "redis") return {6379};
  return {};
}

Inside look_inside(const api::Pod& pod, const std::string& node, const std::string& container,
                   const agent::Environment* environment) {
  Inside inside;
  inside.ns = pod.metadata().namespace_();
  inside.pod = pod.metadata().name();
  inside.hostname = pod.spec().host_network()    ? node
                    : pod.spec().hostname().empty() ? inside.pod
                                                    : pod.spec().hostname();
  inside.ip = pod.status().pod_ip();
  inside.node = node;
  inside.container = container;
  inside.environment = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                        {"HOSTNAME", inside.hostname}};
  for (const api::Container& each : pod.spec().containers()) {
    for (const uint16_t port : ports_of(each)) inside.ports.push_back(port);
    if (!inside.image.empty()) continue;
    inside.image = each.image();
    if (image_name(each.image()) == "agnhost" && each.command().empty() && !each.args().empty()) {
      inside.server = each.args(0);
    }
  }
  for (const api::HostAlias& alias : pod.spec().host_aliases()) {
    if (inside.more_hosts.empty()) inside.more_hosts = "\n# Entries added by HostAliases.\n";
    inside.more_hosts += alias.ip();
    for (const std::string& name : alias.hostnames()) inside.more_hosts += "\t" + name;
    inside.more_hosts += "\n";
  }
  inside.user = pod.spec().security_context().run_as_user();
  if (const std::optional<api::Container> spec = find_container(pod, container)) {
    inside.image = spec->image();
    const api::SecurityContext& security = spec->security_context();
    if (security.has_run_as_user()) inside.user = security.run_as_user();
    if (security.read_only_root_filesystem()) {
      inside.writable.emplace();
      for (const api::VolumeMount& mount : spec->volume_mounts()) {
        if (!mount.read_only()) inside.writable->push_back(mount.mount_path());
      }
    }
  }
  if (environment != nullptr) {
    inside.environment.insert(inside.environment.end(), environment->begin(), environment->end());
  }
  inside.environment.emplace_back("HOME", "/root");
  return inside;
}

std::string date_text(WallTime at) {
  const Calendar c = calendar_of(at);
  return fmt::format("{} {} {:2} {:02}:{:02}:{:02} UTC {}", kDays[c.weekday], kMonths[c.month - 1],
                     c.day, c.hour, c.minute, c.second, c.year);
}

std::string access_log_time(WallTime at) {
  const Calendar c = calendar_of(at);
  return fmt::format("{:02}/{}/{}:{:02}:{:02}:{:02} +0000", c.day, kMonths[c.month - 1], c.year,
                     c.hour, c.minute, c.second);
}

std::string page_text(const Inside& inside, const std::string& target) {
  if (image_name(inside.image) == "kubernetes-bootcamp") {
    const std::size_t colon = inside.image.rfind(":v");
    return fmt::format("Hello Kubernetes bootcamp! | Running on: {} | v={}\n", inside.pod,
                       colon == std::string::npos ? "1" : inside.image.substr(colon + 2));
  }
  if (inside.server == "serve-hostname") return inside.hostname;
  if (inside.server == "netexec" && target.starts_with("/hostname")) return inside.hostname;
  return fmt::format("Hello from pod {}/{} ({}) on node {}, image {}.\nYou asked for {}\n", inside.ns,
                     inside.pod, inside.ip, inside.node, inside.image, target);
}

std::string http_page(const Inside& inside, const PageRequest& request, WallTime at) {
  const Calendar c = calendar_of(at);
  const std::string body = page_text(inside, request.target);
  std::string out = fmt::format(
      "HTTP/1.1 200 OK\r\nServer: {}\r\nDate: {}, {:02} {} {} {:02}:{:02}:{:02} GMT\r\n"
      "Content-Type: text/plain\r\nContent-Length: {}\r\nConnection: {}\r\n\r\n",
      image_name(inside.image), kDays[c.weekday], c.day, kMonths[c.month - 1], c.year, c.hour,
      c.minute, c.second, body.size(), request.keep_alive ? "keep-alive" : "close");
  if (request.method != "HEAD") out += body;
  return out;
}

}  // namespace keelson::sim
