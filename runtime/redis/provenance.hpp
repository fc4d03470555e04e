// Who wrote, when, in which role and on which basis, as one word or more of an entry of the log (field
// "a"): for those who look into Redis, and for the checkers (`keelson real check`). It begins with the
// actor; what older servers wrote is nothing but the actor.
//
//   scheduler-h1_5f at=1764123456000000000 role=kube-system/scheduler token=204
//       knows=pods@1.230,nodes@1.228 user=system:kube-scheduler
#pragma once

#include <string>
#include <string_view>

#include "core/store/store.hpp"

namespace keelson::redis {

// `by` may be null. `at`: this server's clock, shortly before the transaction is sent.
std::string write_provenance(const store::Provenance* by, WallTime at);

struct Told {
  store::ProvenancePtr by;  // null: nobody is named
  WallTime at;              // zero: not told
};
// Any text has a meaning: what cannot be understood is left out.
Told read_provenance(std::string_view text);

}  // namespace keelson::redis
