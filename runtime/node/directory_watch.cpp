#include "runtime/node/directory_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstring>
#include <map>
#include <set>
#include <vector>

namespace keelson::node {

namespace asio = boost::asio;

namespace {
constexpr uint32_t kEvents =
    IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;
}

struct DirectoryWatch::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(runtime::AsioLoop& loop) : descriptor(loop.context()) {
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd >= 0) descriptor.assign(fd);
  }

  struct Watcher {
    int watch = -1;
    Callback<void()> changed;
  };

  void wait() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            if (!error) self->read();
                          });
  }

  void read() {
    alignas(inotify_event) char buffer[16 * 1024];
    std::set<int> changed;
    bool all = false;
    while (true) {
      const ssize_t got = ::read(descriptor.native_handle(), buffer, sizeof buffer);
      if (got <= 0) break;
      for (ssize_t at = 0; at < got;) {
        inotify_event event;
        std::memcpy(&event, buffer + at, sizeof event);
        at += static_cast<ssize_t>(sizeof event + event.len);
        if ((event.mask & IN_Q_OVERFLOW) != 0) all = true;
        changed.insert(event.wd);
      }
    }
    wait();
    std::vector<Id> told;
    for (const auto& [id, watcher] : watchers) {
      if (all || changed.contains(watcher->watch)) told.push_back(id);
    }
    for (const Id id : told) {
      // It may have been removed by one told before; and may remove itself while it runs.
      const auto found = watchers.find(id);
      if (found == watchers.end()) continue;
      const std::shared_ptr<Watcher> watcher = found->second;
      watcher->changed();
    }
  }

  asio::posix::stream_descriptor descriptor;
  std::map<Id, std::shared_ptr<Watcher>> watchers;
  Id next = 1;
};

DirectoryWatch::DirectoryWatch(runtime::AsioLoop& loop) : impl_(std::make_shared<Impl>(loop)) {
  if (impl_->descriptor.is_open()) impl_->wait();
}

DirectoryWatch::~DirectoryWatch() {
  impl_->watchers.clear();
  boost::system::error_code ignored;
  if (impl_->descriptor.is_open()) impl_->descriptor.close(ignored);
}

DirectoryWatch::Id DirectoryWatch::add(const std::string& directory, Callback<void()> changed) {
  auto watcher = std::make_shared<Impl::Watcher>();
  watcher->changed = std::move(changed);
  if (impl_->descriptor.is_open()) {
    // The kernel gives the same number for the same directory.
    watcher->watch =
        ::inotify_add_watch(impl_->descriptor.native_handle(), directory.c_str(), kEvents);
  }
  const Id id = impl_->next++;
  impl_->watchers[id] = std::move(watcher);
  return id;
}

void DirectoryWatch::remove(Id id) {
  const auto found = impl_->watchers.find(id);
  if (found == impl_->watchers.end()) return;
  const int watch = found->second->watch;
  impl_->watchers.erase(found);
  if (watch < 0) return;
  for (const auto& [other, watcher] : impl_->watchers) {
    if (watcher->watch == watch) return;
  }
  ::inotify_rm_watch(impl_->descriptor.native_handle(), watch);
}

}  // namespace keelson::node
