// Identities that the server makes up: uids, generated names, and where the search for a free
// address starts. All from one seeded generator, so that a run repeats.
#pragma once

#include <string>
#include <string_view>

#include "core/base/rng.hpp"

namespace keelson::apiserver {

class Ids {
 public:
  explicit Ids(const Rng& rng) : seed_(rng) { restart(0); }

  // Draws from streams of their own from now on. A server that starts again with the same seed must
  // not give its predecessor's uids to other objects, so it mixes in the revision that it starts
  // at.
  void restart(uint64_t salt);

  std::string uid();  // as a version 4 UUID (RFC 9562)
  // `base` with five characters that look like no other and spell no words.
  // Source: k8s.io/apiserver/pkg/storage/names/generate.go.
  std::string name(std::string_view base);
  uint64_t below(uint64_t bound) { return addresses_.below(bound); }

 private:
  Rng seed_;
  Rng uids_{0}, names_{0}, addresses_{0};
};

}  // namespace keelson::apiserver
