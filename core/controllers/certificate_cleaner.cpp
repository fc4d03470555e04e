#include "core/controllers/certificate_cleaner.hpp"

#include <algorithm>
#include <array>

namespace keelson::controllers {

namespace {

using api::CertificateSigningRequest;
using api::Kind;

constexpr std::array kCertificateCleanerReads{Kind::certificate_signing_requests};
constexpr int64_t kSettledSeconds = 3600;        // issued, denied or failed
constexpr int64_t kPendingSeconds = 24 * 3600;
constexpr int64_t kLookAgainSeconds = 600;       // in steps, as the clock of the wall may be set

}  // namespace

std::span<const Kind> CertificateCleanerController::reads() const { return kCertificateCleanerReads; }

void CertificateCleanerController::keys_for(const View& /*view*/, const api::ObjectPtr& /*before*/,
                                            const api::ObjectPtr& after, const KeySink& sink) const {
  if (after) sink(after->key());
}

int64_t CertificateCleanerController::due(const CertificateSigningRequest& request) const {
  const int64_t made = request.metadata().creation_timestamp().seconds();
  const bool issued = !request.status().certificate().empty();
  std::optional<int64_t> due;
  const auto no_later_than = [&due](int64_t time) { due = std::min(due.value_or(time), time); };
  for (const auto& condition : request.status().conditions()) {
    const int64_t since =
        condition.has_last_update_time() ? condition.last_update_time().seconds() : made;
    const std::string& type = condition.type();
    if (type == "Denied" || type == "Failed") no_later_than(since + kSettledSeconds);
    if (type == "Approved") no_later_than(since + (issued ? kSettledSeconds : kPendingSeconds));
  }
  if (!due) due = made + kPendingSeconds;
  if (issued) {
    if (const auto end = end_of_(request.status().certificate())) no_later_than(*end);
  }
  return *due;
}

Plan CertificateCleanerController::reconcile(const View& view, const api::ObjectKey& key) {
  Plan plan;
  const auto request = view.get<CertificateSigningRequest>({}, key.name);
  if (!request || request.object().deleting()) return plan;
  const int64_t left = due(*request) - view.wall_now().unix_ns / 1'000'000'000;
  if (left > 0) {
    plan.requeue_after = std::chrono::seconds(std::min(left, kLookAgainSeconds));
    return plan;
  }
  api::Request removal = api::remove(request.object());
  removal.expected.revision = request.revision();  // nobody has decided about it since
  plan.then(std::move(removal));
  return plan;
}

}  // namespace keelson::controllers
