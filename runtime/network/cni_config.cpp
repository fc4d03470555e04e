#include "runtime/network/cni_config.hpp"

#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/api/ip_range.hpp"

namespace keelson::network {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

fs::path path_of(const std::string& dir, const std::string& name) {
  return fs::path(dir) / ("10-" + name + ".conflist");
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Status failed(const fs::path& path) {
  return {Code::unavailable, "cannot write " + path.string() + ": " + std::strerror(errno)};
}

}  // namespace

std::string cni_conflist(const std::vector<std::string>& pod_cidrs, const CniOptions& options) {
  json::array ranges, routes;
  for (const std::string& cidr : pod_cidrs) {
    const auto range = api::IpRange::parse(cidr);
    if (!range) continue;
    json::array same_range;
    same_range.push_back(json::object{{"subnet", range->to_string()}});
    ranges.push_back(std::move(same_range));
    routes.push_back(json::object{{"dst", range->ipv6 ? "::/0" : "0.0.0.0/0"}});
  }
  json::object ipam = {{"type", "host-local"}, {"ranges", ranges}, {"routes", routes}};
  if (!options.ipam_dir.empty()) ipam["dataDir"] = options.ipam_dir;
  json::object bridge = {
      {"type", "bridge"},
      {"bridge", options.bridge},
      // The default route comes with the addresses; isDefaultGateway would add it once more, and fail.
      {"isGateway", true},
      // A pod may reach itself through a service.
      {"hairpinMode", true},
      // What leaves the cluster is masqueraded by the node, not per pod.
      {"ipMasq", false},
      // Another range than before, after the node was given a new one: the bridge follows.
      {"forceAddress", true},
      {"ipam", ipam},
  };
  if (options.mtu > 0) bridge["mtu"] = options.mtu;
  json::array plugins;
  plugins.push_back(std::move(bridge));
  plugins.push_back(json::object{{"type", "portmap"},
                                 {"capabilities", json::object{{"portMappings", true}}},
                                 {"snat", true}});
  const json::object all = {{"cniVersion", options.cni_version},
                            {"name", options.name},
                            {"plugins", std::move(plugins)}};
  return json::serialize(all) + "\n";
}

Status write_cni_config(const std::string& dir, const std::string& name, const std::string& text) {
  std::error_code error;
  fs::create_directories(dir, error);
  const fs::path path = path_of(dir, name);
  if (read(path) == text) return {};
  // Readers take files by their ending: this one they do not see.
  const fs::path temporary = path.string() + ".new";
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  if (!file) return failed(temporary);
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size() &&
                       std::fflush(file) == 0 && fsync(fileno(file)) == 0;
  if (std::fclose(file) != 0 || !written) return failed(temporary);
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return failed(path);
  return {};
}

Status remove_cni_config(const std::string& dir, const std::string& name) {
  std::error_code error;
  fs::remove(path_of(dir, name), error);
  if (error) return {Code::unavailable, "cannot remove " + path_of(dir, name).string()};
  return {};
}

}  // namespace keelson::network
