#include "runtime/cri/exit_watch.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <fstream>
#include <iterator>

#include "runtime/loop/asio_loop.hpp"

namespace keelson::cri {

namespace {

// The runtime hears of an exit a moment after the kernel has told us, and writes it down.
constexpr Duration kHintAfter[] = {400ms, 80ms, 20ms, 3ms};
constexpr int kHints = 4;

bool in_cgroup_of(int pid, const std::string& container) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/cgroup");
  const std::string groups((std::istreambuf_iterator<char>(in)), {});  // of no known size
  return groups.find(container) != std::string::npos;
}

}  // namespace

struct ExitWatch::Watched {
  explicit Watched(boost::asio::io_context& context) : descriptor(context) {}
  boost::asio::posix::stream_descriptor descriptor;
  std::optional<Instant> gone;
};

ExitWatch::ExitWatch(runtime::AsioLoop& loop, Callback<void()> hint)
    : loop_(loop), hint_(std::move(hint)), timer_(loop, [this] { on_timer(); }) {}

ExitWatch::~ExitWatch() = default;

void ExitWatch::watch(const std::string& container, int pid) {
  if (watches(container) || pid <= 0) return;
  if (open(container, pid)) {
    unseen_.erase(container);
    return;
  }
  // It may have ended just now: another list tells. Or its pid cannot be seen from here at all, so
  // that this is tried a few times only.
  int& tries = unseen_[container];
  if (tries == kHints) return;
  ++tries;
  timer_.arm_by(kHintAfter[kHints - tries]);
}

bool ExitWatch::open(const std::string& container, int pid) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return false;
  auto watched = std::make_unique<Watched>(loop_.context());
  boost::system::error_code failed;
  watched->descriptor.assign(fd, failed);
  if (failed) {
    ::close(fd);
    return false;
  }
  if (!in_cgroup_of(pid, container)) return false;
  watched->descriptor.async_wait(
      boost::asio::posix::stream_descriptor::wait_read,
      [this, container, alive = std::weak_ptr<char>(alive_)](boost::system::error_code error) {
        if (!error && !alive.expired()) on_exit(container);
      });
  watched_.emplace(container, std::move(watched));
  return true;
}

void ExitWatch::on_exit(const std::string& container) {
  const auto at = watched_.find(container);
  if (at == watched_.end()) return;
  at->second->gone = loop_.now();
  at->second->descriptor.close();
  hints_left_ = kHints;
  timer_.arm_by(kHintAfter[hints_left_ - 1]);
}

void ExitWatch::on_timer() {
  if (hints_left_ > 0) --hints_left_;
  if (hints_left_ > 0) timer_.arm(kHintAfter[hints_left_ - 1]);
  if (hint_) hint_();
}

void ExitWatch::keep_only(const std::set<std::string>& running) {
  std::erase_if(unseen_, [&](const auto& entry) { return !running.contains(entry.first); });
  bool unheard = false;
  for (auto at = watched_.begin(); at != watched_.end();) {
    if (!running.contains(at->first)) {
      at = watched_.erase(at);
    } else {
      unheard = unheard || at->second->gone.has_value();
      ++at;
    }
  }
  if (unheard) return;
  hints_left_ = 0;
  if (unseen_.empty()) timer_.disarm();
}

std::optional<Instant> ExitWatch::gone_since(const std::string& container) const {
  const auto at = watched_.find(container);
  return at == watched_.end() ? std::nullopt : at->second->gone;
}

}  // namespace keelson::cri
