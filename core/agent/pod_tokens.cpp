#include "core/agent/pod_tokens.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace keelson::agent {

namespace {

constexpr Duration kMaxAge = std::chrono::hours(24);
constexpr Duration kJitter = 10s;
// A renewal that failed is tried again after this long, while the old token is still good.
constexpr Duration kRetry = 30s;

}  // namespace

void PodTokens::get(const api::Ref<api::Pod>& pod, const TokenWish& wish, Done<Unit> done) {
  const Key key{pod.object().uid(), wish};
  const Instant now = context_.loop.now();
  const auto at = tokens_.find(key);
  if (at != tokens_.end() && now < at->second.renew_at) {
    done(Unit{});
    return;
  }
  api::TokenRequest asked;
  if (!wish.audience.empty()) asked.mutable_spec()->add_audiences(wish.audience);
  asked.mutable_spec()->set_expiration_seconds(wish.seconds);
  auto& bound = *asked.mutable_spec()->mutable_bound_object_ref();
  bound.set_kind("Pod");
  bound.set_api_version("v1");
  bound.set_name(pod.name());
  bound.set_uid(pod.object().uid());
  const std::string& account = pod->spec().service_account_name();
  api::Request request =
      api::create_token(pod.ns(), account.empty() ? "default" : account, std::move(asked));
  context_.api.call(context_.sign(std::move(request)),
                    lifetime_.guard([this, key, now, done = std::move(done)](
                                        api::Response response) mutable {
                      on_answer(key, now, std::move(response), std::move(done));
                    }));
}

void PodTokens::on_answer(const Key& key, Instant asked, api::Response response, Done<Unit> done) {
  const Instant now = context_.loop.now();
  const auto* answer = response.ok() && response.message &&
                               response.message->GetDescriptor() == api::TokenRequest::descriptor()
                           ? static_cast<const api::TokenRequest*>(response.message.get())
                           : nullptr;
  if (!answer || answer->status().token().empty()) {
    const auto at = tokens_.find(key);
    if (at != tokens_.end() && now < at->second.ends_at) {
      at->second.renew_at = now + kRetry;
      done(Unit{});
      return;
    }
    done(Error{Code::unavailable,
               fmt::format("failed to fetch token: {}", response.ok() ? "the answer has none"
                                                                      : response.error.message)});
    return;
  }
  // Counted from when it was asked for, by our own clock: the timestamp in it is another machine's.
  const int64_t seconds = answer->spec().has_expiration_seconds()
                              ? answer->spec().expiration_seconds()
                              : key.second.seconds;
  const Duration life = std::chrono::seconds(std::clamp<int64_t>(seconds, 60, 1'000'000'000));
  const Duration until = std::min(life / 5 * 4, kMaxAge);
  tokens_[key] = {.text = answer->status().token(),
                  .renew_at = asked + until - rng_.between(Duration::zero(), kJitter),
                  .ends_at = asked + life};
  done(Unit{});
}

std::string PodTokens::find(const std::string& uid, const TokenWish& wish) const {
  const auto at = tokens_.find({uid, wish});
  return at == tokens_.end() ? std::string() : at->second.text;
}

Instant PodTokens::due(const std::string& uid) const {
  Instant out{};
  for (auto at = tokens_.lower_bound({uid, {}}); at != tokens_.end() && at->first.first == uid;
       ++at) {
    if (out == Instant{} || at->second.renew_at < out) out = at->second.renew_at;
  }
  return out;
}

void PodTokens::forget(const std::string& uid) {
  std::erase_if(tokens_, [&](const auto& entry) { return entry.first.first == uid; });
}

}  // namespace keelson::agent
