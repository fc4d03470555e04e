// Service account tokens for pods' projected volumes: bound to the pod, so that they end with it, and
// asked for anew when 80 % of their life is over or they are a day old.
// Source: kubelet's token manager.
#pragma once

#include <map>
#include <string>

#include "core/agent/context.hpp"
#include "core/agent/volume_content.hpp"

namespace keelson::agent {

class PodTokens {
 public:
  explicit PodTokens(Context& context) : context_(context), rng_(context.rng.fork("tokens")) {}

  // A token that is not due for renewal, which `find` then has too. If the server does not answer, one
  // that is due but still valid does as well. May answer from inside the call.
  void get(const api::Ref<api::Pod>& pod, const TokenWish& wish, Done<Unit> done);
  // Empty: none has been got.
  std::string find(const std::string& uid, const TokenWish& wish) const;
  // When the first of the pod's tokens is due; zero: it has none.
  Instant due(const std::string& uid) const;
  void forget(const std::string& uid);

 private:
  struct Token {
    std::string text;
    Instant renew_at, ends_at;
  };
  using Key = std::pair<std::string, TokenWish>;

  void on_answer(const Key& key, Instant asked, api::Response response, Done<Unit> done);

  Context& context_;
  Rng rng_;
  std::map<Key, Token> tokens_;
  Lifetime lifetime_;
};

}  // namespace keelson::agent
