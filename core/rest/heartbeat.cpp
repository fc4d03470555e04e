#include "core/rest/heartbeat.hpp"

#include <charconv>

#include "core/api/json.hpp"

namespace keelson::rest {

namespace {

constexpr std::size_t kReportsMax = 64;

bool read_number(std::string_view text, uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

// "n2:17:1"
bool read_report(std::string_view text, api::PeerReport& report) {
  const std::size_t last = text.rfind(':');
  if (last == text.npos || last == 0) return false;
  const std::size_t first = text.rfind(':', last - 1);
  const std::string_view reachable = text.substr(last + 1);
  if (first == text.npos || first == 0 || (reachable != "0" && reachable != "1")) return false;
  report.node = text.substr(0, first);
  report.reachable = reachable == "1";
  return read_number(text.substr(first + 1, last - first - 1), report.round);
}

const std::string* annotation(const api::Lease& lease, std::string_view key) {
  const auto& annotations = lease.metadata().annotations();
  const auto it = annotations.find(std::string(key));
  return it == annotations.end() ? nullptr : &it->second;
}

}  // namespace

api::Lease lease_of(const api::Beat& beat) {
  api::Lease lease;
  lease.mutable_metadata()->set_namespace_("kube-node-lease");
  lease.mutable_metadata()->set_name(beat.node);
  auto& annotations = *lease.mutable_metadata()->mutable_annotations();
  annotations[std::string(kBeatAnnotation)] = std::to_string(beat.seq);
  std::string reports;
  for (const api::PeerReport& report : beat.reports) {
    if (!reports.empty()) reports += ' ';
    reports += report.node + ':' + std::to_string(report.round) + (report.reachable ? ":1" : ":0");
  }
  if (!reports.empty()) annotations[std::string(kReportsAnnotation)] = std::move(reports);
  lease.mutable_spec()->set_holder_identity(beat.node);
  *lease.mutable_spec()->mutable_renew_time() = api::to_micro_time(beat.renew_time);
  return lease;
}

std::optional<api::Beat> beat_of(const api::Lease& lease) {
  const std::string* seq = annotation(lease, kBeatAnnotation);
  if (seq == nullptr || lease.metadata().namespace_() != "kube-node-lease") return std::nullopt;
  api::Beat beat;
  beat.node = lease.metadata().name();
  if (!read_number(*seq, beat.seq)) return std::nullopt;
  api::Time whole;
  whole.set_seconds(lease.spec().renew_time().seconds());
  whole.set_nanos(lease.spec().renew_time().nanos());
  beat.renew_time = api::to_wall(whole);  // within what nanoseconds can say
  const std::string* reports = annotation(lease, kReportsAnnotation);
  std::string_view rest = reports ? std::string_view(*reports) : std::string_view();
  while (!rest.empty()) {
    const std::size_t space = rest.find(' ');
    api::PeerReport report;
    if (beat.reports.size() == kReportsMax || !read_report(rest.substr(0, space), report)) {
      return std::nullopt;
    }
    beat.reports.push_back(std::move(report));
    rest = space == rest.npos ? std::string_view() : rest.substr(space + 1);
  }
  return beat;
}

}  // namespace keelson::rest
