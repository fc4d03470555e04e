#include "tools/cli/live_replay.hpp"

#include <chrono>
#include <cstdio>
#include <string_view>

#include "runtime/pki/keys.hpp"
#include "runtime/pki/signer.hpp"
#include "sim/live/api_front.hpp"
#include "sim/live/setup.hpp"
#include "sim/report/report.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/one_run.hpp"
#include "tools/cli/prepare.hpp"

namespace keelson::cli {

namespace {

// The next line with its end; empty: there is none that is whole.
std::string next_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return {};
  std::string line(rest.substr(0, end));
  rest.remove_prefix(end + 1);
  return line;
}

void print_note(const sim::Note& note) {
  std::printf("  %10s  %-22s %s\n", sim::clock_text(note.at.time_since_epoch()).c_str(),
              note.source.c_str(), note.text.c_str());
}

int verdict(const sim::LiveWorld& world) {
  if (world.checks() == nullptr || world.checks()->violations().empty()) return 0;
  for (const sim::Violation& violation : world.checks()->violations()) {
    std::printf("VIOLATED    %s at %s: %s\n", violation.invariant.c_str(),
                sim::clock_text(violation.at.time_since_epoch()).c_str(), violation.what.c_str());
  }
  return static_cast<int>(sim::Verdict::violated);
}

}  // namespace

int replay_live(const std::string& file, const std::string& text, bool check) {
  const auto complain = [&](std::size_t line, const std::string& what) {
    std::fprintf(stderr, "%s:%zu: %s\n", file.c_str(), line, what.c_str());
    return kBadUsage;
  };
  std::string_view rest = text;
  const auto setup = sim::parse_setup(next_line(rest));
  if (!setup) return complain(1, setup.error().message);
  // Other keys than when it was recorded: tokens are in no object, and certificates are recorded.
  auto authority = runtime::CertificateAuthority::create("replay");
  if (!authority) return complain(1, authority.error().message);
  const auto key = runtime::generate_key(runtime::KeyType::rsa_2048);
  if (!key) return complain(1, key.error().message);
  auto keys = auth::JwtKeys::load(*key);
  if (!keys) return complain(1, keys.error().message);
  auto live = sim::live_options(*setup, file, std::move(*keys));
  if (!live) return complain(1, live.error().message);
  std::printf("A live session, recorded by keelson %s, seed %llu\n\n", setup->version.c_str(),
              static_cast<unsigned long long>(setup->seed));

  stop_on_interrupt();
  const auto begin = std::chrono::steady_clock::now();
  live->signer = std::make_shared<runtime::ClusterSigner>(std::move(*authority));
  live->check = check;
  live->on_note = print_note;
  sim::LiveWorld world(std::move(*live));
  for (std::string_view ahead = rest; !ahead.empty();) {
    const std::string line = next_line(ahead);
    if (line.empty()) break;
    if (line.find("\"signing\"") == std::string::npos) continue;
    auto entry = sim::parse_entry(line);
    if (!entry || entry->input.kind != sim::Input::Kind::signing) continue;
    world.expect_signing(std::move(entry->input.text));
  }
  world.start();
  std::size_t number = 1, requests = 0;
  bool whole = false;
  while (!rest.empty() && !whole && !interrupted()) {
    ++number;
    const std::string line = next_line(rest);
    if (line.empty()) break;
    const auto entry = sim::parse_entry(line);
    if (!entry) return complain(number, entry.error().message);
    if (const Status ok = world.replay(*entry); !ok) {
      std::printf("\nNOT THE SAME  %s (%s:%zu): another version of Keelson?\n",
                  ok.message().c_str(), file.c_str(), number);
      return static_cast<int>(sim::Verdict::undecided);
    }
    requests += entry->input.kind == sim::Input::Kind::request ? 1 : 0;
    whole = entry->input.kind == sim::Input::Kind::end;
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("\n%s of virtual time in %.1f s, %zu requests, %llu events, hash %016llx\n",
              sim::clock_text(world.now().time_since_epoch()).c_str(), seconds, requests,
              static_cast<unsigned long long>(world.world().engine().events_run()),
              static_cast<unsigned long long>(world.hash()));
  if (interrupted()) return static_cast<int>(sim::Verdict::undecided);
  std::puts(whole ? "The same as recorded."
                  : "The same as recorded, up to where the recording was cut off.");
  return verdict(world);
}

}  // namespace keelson::cli
