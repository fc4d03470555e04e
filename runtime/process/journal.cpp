#include "runtime/process/journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>
#include <set>

namespace keelson::runtime {

namespace json = boost::json;
using agent::ContainerState;

namespace {

constexpr uint64_t kSizeMax = 8 << 20;
// Of an agent that dies nobody knows later than its last line what has run.
constexpr Duration kSilence = 10s;

std::string text(WallTime time) { return std::to_string(time.unix_ns); }

json::object line_of(const agent::ContainerInfo& info) {
  return {{"id", info.id},
          {"sandbox", info.sandbox},
          {"pod", info.pod_uid},
          {"name", info.name},
          {"image", info.image},
          {"attempt", info.attempt},
          {"init", info.init},
          {"started", text(info.started_at)},
          {"finished", text(info.state == ContainerState::exited ? info.finished_at : WallTime{})},
          {"exit", info.exit_code},
          {"reason", info.reason}};
}

}  // namespace

Journal::Journal(Loop& loop, std::string path, const std::string& node)
    : loop_(loop), path_(std::move(path)), node_(node) {
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  struct stat found {};
  if (fd_ >= 0 && ::fstat(fd_, &found) == 0) size_ = static_cast<uint64_t>(found.st_size);
  if (size_ > kSizeMax) rotate();
  write(json::serialize(json::object{{"at", text(loop_.wall_now())}, {"agent", node_}}));
}

Journal::~Journal() {
  if (fd_ >= 0) ::close(fd_);
}

void Journal::saw(const agent::RuntimeState& state) {
  const std::string now = text(loop_.wall_now());
  std::set<std::string> there;
  json::array running;
  for (const agent::ContainerInfo& info : state.containers) {
    if (info.state == ContainerState::created) continue;
    there.insert(info.id);
    if (info.state == ContainerState::running) running.push_back(json::string(info.id));
    const auto [known, is_new] = known_.try_emplace(info.id, info);
    if (!is_new && known->second.state == info.state) continue;
    known->second = info;
    tell(info);
  }
  for (auto it = known_.begin(); it != known_.end();) {
    if (there.contains(it->first)) {
      ++it;
      continue;
    }
    if (it->second.state == ContainerState::running) {
      write(json::serialize(json::object{{"at", now}, {"gone", it->first}, {"after", text(looked_)}}));
    }
    it = known_.erase(it);
  }
  if (std::exchange(looked_, loop_.wall_now()).unix_ns == 0) {
    write(json::serialize(json::object{{"at", now}, {"all", std::move(running)}}));
  } else if (loop_.now() - written_ >= kSilence) {
    write(json::serialize(json::object{{"at", now}, {"same", true}}));
  }
  if (size_ <= kSizeMax) return;
  rotate();
  // A file that begins in the middle must be understood without the one before it.
  write(json::serialize(json::object{{"at", now}, {"agent", node_}, {"continued", true}}));
  for (const auto& [id, info] : known_) {
    if (info.state == ContainerState::running) tell(info);
  }
}

void Journal::tell(const agent::ContainerInfo& info) {
  json::object line = line_of(info);
  line["at"] = text(loop_.wall_now());
  write(json::serialize(line));
}

void Journal::rotate() {
  if (std::rename(path_.c_str(), (path_ + ".1").c_str()) != 0) return;
  if (fd_ >= 0) ::close(fd_);
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  size_ = 0;
}

// A full disk costs lines, and nothing else.
void Journal::write(const std::string& line) {
  written_ = loop_.now();
  if (fd_ < 0) return;
  const std::string whole = line + '\n';
  if (::write(fd_, whole.data(), whole.size()) > 0) size_ += whole.size();
}

}  // namespace keelson::runtime
