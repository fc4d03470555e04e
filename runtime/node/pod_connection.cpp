#include "runtime/node/pod_connection.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

namespace keelson::node {

namespace {

Result<int> make_socket(bool ipv6) {
  const int fd = ::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Error{Code::unavailable, "socket: " + system_error_text(errno)};
  return fd;
}

}  // namespace

Result<int> socket_in_namespace(const std::string& path, bool ipv6) {
  if (path.empty()) return make_socket(ipv6);
  const int space = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (space < 0) {
    return Error{Code::unavailable, "network namespace " + path + ": " + system_error_text(errno)};
  }
  Result<int> made = Error{Code::unavailable, "network namespace " + path + " cannot be entered"};
  // A thread's namespace is its own; it ends within microseconds, so it is waited for.
  std::thread([&] {
    if (::setns(space, CLONE_NEWNET) == 0) {
      made = make_socket(ipv6);
    } else {
      made =
          Error{Code::unavailable, "network namespace " + path + ": " + system_error_text(errno)};
    }
  }).join();
  ::close(space);
  return made;
}

const agent::SandboxInfo* find_sandbox(const agent::RuntimeState& state,
                                       const api::Ref<api::Pod>& pod) {
  const agent::SandboxInfo* found = nullptr;
  for (const agent::SandboxInfo& sandbox : state.sandboxes) {
    if (sandbox.pod_uid != pod.uid() || !sandbox.ready) continue;
    if (found == nullptr || sandbox.attempt > found->attempt) found = &sandbox;
  }
  return found;
}

Error pod_not_found(const api::Ref<api::Pod>& pod) {
  return {Code::not_found, "pod not found (\"" + pod.name() + "_" + pod.ns() + "\")"};
}

PodConnection::PodConnection(runtime::AsioLoop& loop, StreamingRuntime& runtime,
                             api::Ref<api::Pod> pod, uint16_t port, agent::ByteStreamUser& user)
    : loop_(loop),
      runtime_(runtime),
      pod_(std::move(pod)),
      port_(port),
      user_(user),
      next_(loop, [this] { try_next(); }) {
  runtime_.list([this, weak = std::weak_ptr<int>(here_)](Result<agent::RuntimeState> state) {
    if (weak.expired()) return;
    if (!state) return fail(state.error());
    find(*state);
  });
}

void PodConnection::find(const agent::RuntimeState& state) {
  const agent::SandboxInfo* sandbox = find_sandbox(state, pod_);
  if (sandbox == nullptr) return fail(pod_not_found(pod_));
  if (!sandbox->ip.empty()) addresses_.push_back(sandbox->ip);
  addresses_.push_back("::1");
  addresses_.push_back("127.0.0.1");
  runtime_.network_namespace(sandbox->id,
                             [this, weak = std::weak_ptr<int>(here_)](Result<std::string> path) {
                               if (weak.expired()) return;
                               if (!path) return fail(path.error());
                               namespace_ = std::move(*path);
                               try_next();
                             });
}

void PodConnection::try_next() {
  if (addresses_.empty()) {
    return fail({Code::invalid, "failed to connect to localhost:" + std::to_string(port_) +
                                    " inside namespace of pod " + pod_.name() + ": " + refusals_});
  }
  Dial dial;
  dial.address = std::move(addresses_.back());
  addresses_.pop_back();
  dial.port = port_;
  const Result<int> fd =
      socket_in_namespace(namespace_, dial.address.find(':') != std::string::npos);
  if (!fd) return fail(fd.error());
  dial.fd = *fd;
  SocketUser& self = *this;
  socket_ = std::make_unique<Socket>(loop_, std::move(dial), self);
  socket_->pause(paused_);
}

void PodConnection::on_connected() {
  open_ = true;
  socket_->send(std::exchange(waiting_, {}));
  if (ended_) socket_->end();
  user_.on_open();
}

void PodConnection::on_end(Status why) {
  if (open_) return user_.on_end(std::move(why));
  refusals_ += (refusals_.empty() ? "" : ", ") + why.message();
  next_.arm(Duration::zero());  // the socket is still in use here
}

void PodConnection::fail(Error why) {
  user_.on_end(std::move(why));
}

void PodConnection::send(std::string data) {
  if (ended_) return;
  if (open_) return socket_->send(data);
  waiting_ += data;
}

void PodConnection::end() {
  ended_ = true;
  if (open_) socket_->end();
}

bool PodConnection::blocked() const {
  return open_ ? socket_->blocked() : waiting_.size() > Socket::kUnsentBytes;
}

void PodConnection::pause(bool paused) {
  paused_ = paused;
  if (socket_) socket_->pause(paused);
}

}  // namespace keelson::node
