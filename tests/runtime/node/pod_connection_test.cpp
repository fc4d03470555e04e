// Connections into a pod's network: a network namespace of a thread of this test.
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <future>

#include "fake_runtime.hpp"
#include "node_fixture.hpp"
#include "runtime/node/local_streams.hpp"

namespace keelson::node::test {
namespace {

int listen_on_loopback(uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd, 8) != 0)
    return -1;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}

bool raise_loopback() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool up = ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  ::close(fd);
  return up;
}

// A thread in a network namespace of its own, for as long as this is there.
class Namespace {
 public:
  Namespace() {
    std::promise<void> ready;
    thread_ = std::thread([&] {
      if (::unshare(CLONE_NEWNET) == 0 && raise_loopback()) {
        path_ = "/proc/" + std::to_string(::getpid()) + "/task/" +
                std::to_string(::syscall(SYS_gettid)) + "/ns/net";
        listener_ = listen_on_loopback(port_);
      }
      ready.set_value();
      leave_.get_future().wait();
    });
    ready.get_future().wait();
  }
  ~Namespace() {
    leave_.set_value();
    thread_.join();
    if (listener_ >= 0) ::close(listener_);
  }
  bool usable() const { return listener_ >= 0; }
  const std::string& path() const { return path_; }
  uint16_t port() const { return port_; }
  int accept() const { return ::accept(listener_, nullptr, nullptr); }

 private:
  std::promise<void> leave_;
  std::string path_;
  uint16_t port_ = 0;
  int listener_ = -1;
  std::thread thread_;
};

class PodConnections : public ::testing::Test {
 protected:
  PodConnections() {
    core_.run([&] {
      streams_ = std::make_unique<LocalStreams>(core_.loop, runtime_, "/nowhere");
      agent::SandboxInfo sandbox;
      sandbox.id = "s1";
      sandbox.pod_uid = "u1";
      sandbox.ready = true;
      runtime_.state.sandboxes = {sandbox};
    });
  }
  ~PodConnections() override {
    core_.run([&] {
      connection_.reset();
      streams_.reset();
    });
    core_.stop();
  }

  CoreThread core_;
  FakeRuntime runtime_{core_.loop};
  std::unique_ptr<LocalStreams> streams_;
  std::unique_ptr<agent::ByteStream> connection_;
  ByteEar ear_;
};

TEST_F(PodConnections, ReachWhatListensOnThePodsLoopback) {
  const Namespace pod;
  if (!pod.usable()) GTEST_SKIP() << "network namespaces need root";
  core_.run([&] {
    runtime_.space = pod.path();
    connection_ = streams_->connect(make_pod(), pod.port(), ear_);
    connection_->send("ping");
  });
  const int server = pod.accept();
  ASSERT_GE(server, 0);
  char buffer[16];
  ASSERT_EQ(::recv(server, buffer, 4, MSG_WAITALL), 4);
  EXPECT_EQ(std::string(buffer, 4), "ping");
  // Each direction ends by itself.
  core_.run([&] { connection_->end(); });
  EXPECT_EQ(::recv(server, buffer, sizeof buffer, 0), 0);
  ASSERT_EQ(::send(server, "pong", 4, 0), 4);
  ASSERT_TRUE(core_.eventually([&] { return ear_.text == "pong"; }));
  EXPECT_TRUE(ear_.open);
  EXPECT_FALSE(ear_.end);
  ::close(server);
  ASSERT_TRUE(core_.eventually([&] { return ear_.end.has_value(); }));
  EXPECT_TRUE(ear_.end->ok());
}

TEST_F(PodConnections, SayThatNobodyListens) {
  uint16_t port = 0;
  ::close(listen_on_loopback(port));
  core_.run([&] { connection_ = streams_->connect(make_pod(), port, ear_); });
  ASSERT_TRUE(core_.eventually([&] { return ear_.end.has_value(); }));
  EXPECT_FALSE(ear_.open);
  EXPECT_EQ(ear_.end->code(), Code::invalid);
  const std::string where =
      "dial tcp 127.0.0.1:" + std::to_string(port) + ": connect: connection refused";
  EXPECT_NE(ear_.end->message().find(where), std::string::npos) << ear_.end->message();
}

TEST_F(PodConnections, NeedAPod) {
  std::optional<Result<Unit>> found, missing;
  core_.run([&] {
    streams_->find_pod(make_pod(), [&](Result<Unit> answer) { found = std::move(answer); });
    streams_->find_pod(make_pod("other", "u2"),
                       [&](Result<Unit> answer) { missing = std::move(answer); });
    connection_ = streams_->connect(make_pod("other", "u2"), 80, ear_);
  });
  ASSERT_TRUE(core_.eventually([&] { return found && missing && ear_.end; }));
  EXPECT_TRUE(found->ok());
  EXPECT_EQ(missing->code(), Code::not_found);
  EXPECT_EQ(ear_.end->message(), "pod not found (\"other_default\")");
}

TEST_F(PodConnections, SayThatTheNamespaceHasGone) {
  core_.run([&] {
    runtime_.space = "/proc/self/ns/gone";
    connection_ = streams_->connect(make_pod(), 80, ear_);
  });
  ASSERT_TRUE(core_.eventually([&] { return ear_.end.has_value(); }));
  EXPECT_EQ(ear_.end->code(), Code::unavailable);
  EXPECT_EQ(ear_.end->message(), "network namespace /proc/self/ns/gone: no such file or directory");
}

}  // namespace
}  // namespace keelson::node::test
