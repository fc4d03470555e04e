// A core loop on a thread of its own, the certificates of a small cluster, and users of streams
// that remember what they are told.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/agent/container_streams.hpp"
#include "core/apiserver/watch_cache.hpp"
#include "core/base/log.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/node/node_endpoint.hpp"
#include "runtime/node/remote_streams.hpp"
#include "runtime/pki/certificate.hpp"

namespace keelson::node::test {

using namespace std::chrono_literals;

// A directory that goes away with the test.
class TempDir {
 public:
  TempDir() {
    char pattern[] = "/tmp/keelson-node-XXXXXX";
    path_ = ::mkdtemp(pattern);
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }
  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path file = std::filesystem::path(path_) / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return file;
  }

 private:
  std::string path_;
};

// A port where connections are accepted and nothing is ever said.
class SilentListener {
 public:
  SilentListener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_, 256), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentListener() { ::close(fd_); }
  uint16_t port() const { return port_; }

 private:
  int fd_;
  uint16_t port_ = 0;
};

class CoreThread {
 public:
  CoreThread() : thread_([this] { loop.run(); }) {}
  ~CoreThread() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    loop.stop();
    thread_.join();
  }
  // Runs on the core thread, and waits for it.
  void run(const std::function<void()>& work) {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    loop.post_from_any_thread([&] {
      work();
      const std::lock_guard lock(mutex);
      done = true;
      changed.notify_one();
    });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done; });
  }
  // Whether it holds, looked at on the core thread, within ten seconds.
  bool eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 2000; ++i) {
      bool now = false;
      run([&] { now = holds(); });
      if (now) return true;
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }

  runtime::AsioLoop loop;

 private:
  std::thread thread_;
};

// What users are told; looked at on the core thread.
struct LogEar final : agent::LogUser {
  void on_open() override { open = true; }
  void on_log(std::string_view data) override { text += data; }
  void on_log_end(Status why) override { end = std::move(why); }
  bool open = false;
  std::string text;
  std::optional<Status> end;
};

struct CommandEar final : agent::CommandUser {
  void on_open() override {
    open = true;
    if (on_opened) on_opened();
  }
  void on_output(agent::Output which, std::string_view data) override {
    (which == agent::Output::standard ? output : errors) += data;
  }
  void on_writable() override { ++writable; }
  void on_exit(Result<int32_t> how) override { exit = std::move(how); }
  std::function<void()> on_opened;
  bool open = false;
  std::string output, errors;
  int writable = 0;
  std::optional<Result<int32_t>> exit;
};

struct ByteEar final : agent::ByteStreamUser {
  void on_open() override { open = true; }
  void on_bytes(std::string_view data) override { text += data; }
  void on_writable() override { ++writable; }
  void on_end(Status why) override { end = std::move(why); }
  bool open = false;
  std::string text;
  int writable = 0;
  std::optional<Status> end;
};

inline api::Ref<api::Pod> make_pod(const std::string& name = "web", const std::string& uid = "u1") {
  api::Pod pod;
  pod.mutable_metadata()->set_namespace_("default");
  pod.mutable_metadata()->set_name(name);
  pod.mutable_metadata()->set_uid(uid);
  pod.mutable_spec()->set_node_name("n1");
  return api::Ref<api::Pod>(api::make_object(std::move(pod)));
}

// The API server's view of its nodes, and everybody's certificates.
class Cluster {
 public:
  Cluster() : ca_(*runtime::CertificateAuthority::create("test")) {
    dir_.write("ca.crt", ca_.pair().certificate);
    cache_.clear();
  }

  runtime::KeyPair certificate(const std::string& name,
                               const std::vector<std::string>& groups = {}) {
    runtime::CertificateSpec spec;
    spec.subject = {name, groups};
    spec.names = {"127.0.0.1"};
    spec.use = {.client = true, .server = true};
    return *ca_.issue(spec);
  }
  // Options with a serving certificate of that name.
  NodeEndpointOptions endpoint(const std::string& common_name = "system:node:n1") {
    const runtime::KeyPair pair = certificate(common_name);
    NodeEndpointOptions options;
    options.node_name = "n1";
    options.address = "127.0.0.1";
    options.port = 0;
    options.cert_file = dir_.write("node.crt", pair.certificate);
    options.key_file = dir_.write("node.key", pair.key);
    options.client_ca_file = dir_.path() + "/ca.crt";
    return options;
  }
  // The node as the API server has it from now on.
  void add_node(const std::string& name, uint16_t port, const std::string& address = "127.0.0.1") {
    api::Node node;
    node.mutable_metadata()->set_name(name);
    auto* const where = node.mutable_status()->add_addresses();
    where->set_type("InternalIP");
    where->set_address(address);
    node.mutable_status()->mutable_daemon_endpoints()->mutable_kubelet_endpoint()->set_port(port);
    cache_.load(api::make_object(std::move(node), {1, ++revision_}));
    cache_.loaded({1, revision_}, {1, revision_});
  }
  NodeDialer dialer(const std::string& user = "kube-apiserver", Duration timeout = 5s) {
    const runtime::KeyPair pair = certificate(user);
    return *NodeDialer::make(cache_, {.ca_pem = ca_.pair().certificate,
                                      .client_cert_pem = pair.certificate,
                                      .client_key_pem = pair.key,
                                      .timeout = timeout});
  }
  const std::string& ca_pem() const { return ca_.pair().certificate; }

 private:
  TempDir dir_;
  runtime::CertificateAuthority ca_;
  apiserver::WatchCache cache_;
  uint64_t revision_ = 0;
};

}  // namespace keelson::node::test
