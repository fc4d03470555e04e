#include "sim/inside/container_log.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/api/time_text.hpp"
#include "core/base/hash.hpp"
#include "sim/inside/shell.hpp"

namespace keelson::sim {

std::string log_timestamp(WallTime at) {
  std::string text = api::format_seconds(at.unix_ns / 1'000'000'000, 0, false);
  text.pop_back();  // the Z
  return text + fmt::format(".{:09}Z", at.unix_ns % 1'000'000'000);
}

// Lines as a runtime cuts a process's output: a piece that ends within a line goes on in the next one of
// its kind.
void ContainerLog::take_printed(const Program& program, const agent::ContainerInfo& container) {
  for (const Outcome::Piece& piece : program.pieces) {
    const WallTime at = container.started_at + piece.at;
    if (ended_ && at > container.finished_at) break;
    std::string_view text = piece.text;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      if (first_.empty() || !first_.back().open || first_.back().error != piece.error) {
        first_.push_back({at, piece.error, {}, true});
      }
      first_.back().text += text.substr(0, end);
      first_.back().open = end == text.size();
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }
}

ContainerLog::ContainerLog(const agent::ContainerInfo& container, const api::Pod& pod,
                           const std::string& node, std::shared_ptr<const Program> program,
                           Duration serves_after)
    : uid_(container.pod_uid + container.name) {
  const WallTime started = container.started_at;
  ended_ = container.state == agent::ContainerState::exited;
  serving_from_ = started + serves_after;
  const std::optional<api::Container> spec = find_container(pod, container.name);
  web_ = spec && !ports_of(*spec).empty();

  if (!program && spec) {
    program = program_of(*spec, command_of(*spec), look_inside(pod, node, container.name), started);
  }
  if (program) take_printed(*program, container);
  if (program && program->ends) return;
  if (!program && spec && !Shell::is_interactive(command_of(*spec)) &&
      lives_off_input(*spec, command_of(*spec))) {
    return;  // what it says, it says to whoever is attached
  }
  const auto say = [&](Duration after, std::string text) {
    const WallTime at = started + after;
    if (!ended_ || at < container.finished_at) first_.push_back({at, false, std::move(text)});
  };
  say(Duration::zero(), fmt::format("container {} of pod {}/{} starts on node {}, image {}, start {}",
                                    container.name, container.pod_uid.empty() ? "" : pod.metadata().namespace_(),
                                    pod.metadata().name(), node, container.image, container.attempt + 1));
  say(serves_after + 1ms, web_ ? "ready for connections" : "ready");
  periodic_ = !container.init;
  if (!ended_) return;
  periodic_total_ = periodic_ ? periodic_until(container.finished_at) : 0;
  const int32_t code = container.exit_code;
  if (container.reason == "OOMKilled") {
    last_.push_back({container.finished_at, true, "Killed"});
  } else if (code != 0) {
    last_.push_back({container.finished_at, true, fmt::format("fatal: exits with code {}", code)});
  } else {
    last_.push_back({container.finished_at, false, "done, exits with code 0"});
  }
}

WallTime ContainerLog::periodic_at(uint64_t number) const {
  // Up to three seconds late, so that the times of one pod are not those of the next.
  const uint64_t late = hash_bytes(uid_, number + 1) % 3'000'000'000;
  return serving_from_ + Duration{kEvery.count() * static_cast<int64_t>(number + 1) + static_cast<int64_t>(late)};
}

uint64_t ContainerLog::periodic_until(WallTime end) const {
  const int64_t passed = end.unix_ns - serving_from_.unix_ns;
  if (passed < kEvery.count()) return 0;
  auto count = static_cast<uint64_t>(passed / kEvery.count());
  while (count > 0 && periodic_at(count - 1) >= end) --count;
  return count;
}

uint64_t ContainerLog::count(WallTime now) const {
  const auto until = [&](const std::vector<LogLine>& lines) {
    return static_cast<uint64_t>(std::count_if(lines.begin(), lines.end(),
                                               [&](const LogLine& line) { return line.at <= now; }));
  };
  uint64_t total = until(first_);
  if (ended_) return total + periodic_total_ + last_.size();
  if (periodic_ && total == first_.size()) total += periodic_until(now);
  return total;
}

LogLine ContainerLog::line(uint64_t number) const {
  if (number < first_.size()) return first_[number];
  number -= first_.size();
  if (ended_ && number >= periodic_total_) return last_[number - periodic_total_];
  const WallTime at = periodic_at(number);
  const uint64_t chance = hash_bytes(uid_, number + 7);
  if (!web_) return {at, false, fmt::format("item {} done in {} ms", number + 1, chance % 400 + 1)};
  static constexpr const char* kPaths[] = {"/", "/", "/healthz", "/index.html", "/favicon.ico"};
  const bool missing = chance % 17 == 0;
  return {at, false,
          fmt::format("10.{}.{}.{} - - [{}] \"GET {} HTTP/1.1\" {} {} \"-\" \"curl/8.5.0\"", chance % 4,
                      chance / 4 % 250, chance / 1000 % 250 + 2, access_log_time(at),
                      missing ? "/missing" : kPaths[chance / 7 % 5], missing ? 404 : 200,
                      missing ? 153 : 615)};
}

uint64_t ContainerLog::first_since(WallTime since, WallTime now) const {
  uint64_t low = 0, high = count(now);
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (line(middle).at < since) low = middle + 1;
    else high = middle;
  }
  return low;
}

}  // namespace keelson::sim
