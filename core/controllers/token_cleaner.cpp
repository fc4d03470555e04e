#include "core/controllers/token_cleaner.hpp"

#include <array>

#include "core/api/time_text.hpp"

namespace keelson::controllers {

namespace {

using api::Kind;

constexpr std::array kTokenCleanerReads{Kind::secrets};
constexpr const char* kTokenType = "bootstrap.kubernetes.io/token";

bool is_token(const api::Object& object) {
  return object.kind() == Kind::secrets && object.ns() == "kube-system" &&
         object.as<api::Secret>().type() == kTokenType;
}

}  // namespace

std::span<const Kind> TokenCleanerController::reads() const { return kTokenCleanerReads; }

void TokenCleanerController::keys_for(const View& /*view*/, const api::ObjectPtr& /*before*/,
                                      const api::ObjectPtr& after, const KeySink& sink) const {
  if (after && is_token(*after)) sink(after->key());
}

Plan TokenCleanerController::reconcile(const View& view, const api::ObjectKey& key) {
  Plan plan;
  const auto secret = view.get<api::Secret>(key.ns, key.name);
  if (!secret || !is_token(secret.object()) || secret.object().deleting()) return plan;
  const auto expiration = secret->data().find("expiration");
  if (expiration == secret->data().end() || expiration->second.empty()) return plan;  // for ever
  int64_t seconds = 0;
  int32_t nanos = 0;
  // What cannot be read lets nobody in either: it is over.
  const bool readable = api::parse_time(expiration->second, seconds, nanos);
  const int64_t now = view.wall_now().unix_ns / 1'000'000'000;
  if (readable && seconds > now) {
    // In steps, as the clock of the wall may be set. What is far off does not fit into a Duration.
    plan.requeue_after = std::chrono::seconds(std::min<int64_t>(seconds - now, 600));
    return plan;
  }
  api::Request removal = api::remove(secret.object());
  removal.expected.revision = secret.revision();  // nobody has prolonged it
  plan.then(std::move(removal));
  return plan;
}

}  // namespace keelson::controllers
