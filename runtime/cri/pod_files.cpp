#include "runtime/cri/pod_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "runtime/cri/utf8.hpp"

namespace keelson::cri {

namespace fs = std::filesystem;

namespace {

Status failed(std::string_view what, const std::string& path, const std::string& why) {
  return {Code::unavailable, fmt::format("failed to {} {}: {}", what, path, why)};
}

Status make_directories(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return failed("make", path, error.message());
  return {};
}

// Whole or not at all would be of no use here: the file is mounted, so it must stay the same one.
Status write(const std::string& path, const std::string& text, mode_t mode) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out || ::chmod(path.c_str(), mode) != 0) return failed("write", path, std::strerror(errno));
  return {};
}

void append_aliases(const api::PodSpec& spec, std::string& out) {
  if (spec.host_aliases().empty()) return;
  out += "\n# of the pod's hostAliases\n";
  for (const api::HostAlias& alias : spec.host_aliases()) {
    out += alias.ip();
    for (const std::string& name : alias.hostnames()) out += "\t" + name;
    out += "\n";
  }
}

// The text of a line of a CRI log, "2026-01-02T03:04:05.6Z stdout F text"; `whole`: with a newline.
std::string_view log_text(std::string_view line, bool& whole) {
  for (int word = 0; word < 3; ++word) {
    const std::size_t space = line.find(' ');
    if (space == line.npos) return {};
    if (word == 2) whole = line.substr(0, space) != "P";
    line.remove_prefix(space + 1);
  }
  return line;
}

}  // namespace

std::string hosts_text(const std::string& ip, const std::string& full_name,
                       const std::string& hostname, const api::PodSpec& spec) {
  std::string out =
      "# Written by Keelson for this pod.\n"
      "127.0.0.1\tlocalhost\n"
      "::1\tlocalhost ip6-localhost ip6-loopback\n"
      "fe00::0\tip6-localnet\n"
      "fe00::0\tip6-mcastprefix\n"
      "fe00::1\tip6-allnodes\n"
      "fe00::2\tip6-allrouters\n";
  if (!ip.empty()) {
    out += ip + "\t" + (full_name.empty() ? "" : full_name + "\t") + hostname + "\n";
  }
  append_aliases(spec, out);
  return out;
}

std::string hosts_text_on_node(const std::string& node_hosts, const api::PodSpec& spec) {
  std::string out = node_hosts;
  append_aliases(spec, out);
  return out;
}

std::string read_tail(const std::string& path, std::size_t bytes_max) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return {};
  const auto size = static_cast<std::size_t>(std::max<std::streamoff>(0, in.tellg()));
  const std::size_t wanted = std::min(size, bytes_max);
  in.seekg(static_cast<std::streamoff>(size - wanted));
  std::string out(wanted, '\0');
  in.read(out.data(), static_cast<std::streamsize>(wanted));
  out.resize(static_cast<std::size_t>(in.gcount()));
  return out;
}

Status PodFiles::make_log_directory(const PodName& pod) {
  return make_directories(pod_log_directory(logs_, pod));
}

Status PodFiles::make_log_directory(const PodName& pod, const std::string& container) {
  return make_directories(fs::path(log_file(pod, container, 0)).parent_path());
}

Result<std::string> PodFiles::write_hosts(const std::string& uid, const std::string& text) {
  if (Status made = make_directories(pod_directory(state_, uid)); !made.ok()) return made.error();
  const std::string path = hosts_path(state_, uid);
  // Containers that run have it mounted already; the same text again would only be a moment
  // without.
  if (read_tail(path, text.size() + 1) == text) return path;
  if (Status written = write(path, text, 0644); !written.ok()) return written.error();
  return path;
}

Result<std::string> PodFiles::make_termination_file(const std::string& uid,
                                                    const std::string& container,
                                                    uint32_t attempt) {
  const std::string path = termination_path(state_, uid, container, attempt);
  Status made = make_directories(fs::path(path).parent_path());
  // Whoever the container runs as writes it.
  if (made.ok()) made = write(path, "", 0666);
  if (!made.ok()) return made.error();
  return path;
}

std::string PodFiles::termination_message(const std::string& uid, const std::string& container,
                                          uint32_t attempt) const {
  // A container could have put anything here by way of its mount, but no other kind of file: what
  // is mounted is the file itself.
  return to_utf8(
      read_tail(termination_path(state_, uid, container, attempt), termination_message_max));
}

std::string PodFiles::log_file(const PodName& pod, const std::string& container,
                               uint32_t attempt) const {
  return pod_log_directory(logs_, pod) + "/" + container_log_path(container, attempt);
}

std::string PodFiles::log_tail(const PodName& pod, const std::string& container,
                               uint32_t attempt) const {
  // Each line carries some 40 bytes of its own.
  const std::string raw = read_tail(log_file(pod, container, attempt),
                                    termination_log_max + 64 * termination_log_lines);
  std::string text;
  std::vector<std::size_t> starts;
  for (std::size_t at = 0; at < raw.size();) {
    const std::size_t end = std::min(raw.find('\n', at), raw.size());
    bool whole = true;
    const std::string_view line = log_text(std::string_view(raw).substr(at, end - at), whole);
    starts.push_back(text.size());
    text += line;
    if (whole) text += '\n';
    at = end + 1;
  }
  if (starts.size() > termination_log_lines) {
    text.erase(0, starts[starts.size() - termination_log_lines]);
  }
  if (text.size() > termination_log_max) text.erase(0, text.size() - termination_log_max);
  return to_utf8(std::move(text));
}

void PodFiles::forget_container(const PodName& pod, const std::string& container,
                                uint32_t attempt) {
  std::error_code ignored;
  fs::remove(termination_path(state_, pod.uid, container, attempt), ignored);
  const fs::path log = log_file(pod, container, attempt);
  for (fs::directory_iterator at(log.parent_path(), ignored), end; !ignored && at != end;
       at.increment(ignored)) {
    if (at->path().filename().string().starts_with(log.filename().string())) {
      std::error_code kept;
      fs::remove(at->path(), kept);
    }
  }
}

void PodFiles::forget_pod(const PodName& pod) {
  std::error_code ignored;
  fs::remove_all(pod_log_directory(logs_, pod), ignored);
  fs::remove_all(pod_directory(state_, pod.uid) + "/containers", ignored);
  fs::remove(hosts_path(state_, pod.uid), ignored);
  fs::remove(pod_directory(state_, pod.uid), ignored);  // if it is empty now
}

}  // namespace keelson::cri
