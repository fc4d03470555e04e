// What the pipeline needs to know of each kind beyond its descriptor: which part is spec, which is
// status, and who may write which. A new kind works without a line here; what is special about one
// stands in registry.cpp.
// Source: the strategies in Kubernetes' pkg/registry/*/*/strategy.go.
#pragma once

#include <memory>

#include "core/apiserver/common.hpp"

namespace keelson::apiserver {

// The messages of requests come from outside: is this one of that kind?
bool is_message_of(Kind kind, const Message& message);
template <class M>
bool is_message(const Message& message) {
  return message.GetDescriptor() == M::descriptor();
}

std::unique_ptr<Message> clone(const Message& message);
const Message* spec_of(Kind kind, const Message& message);  // null: the kind has none
const Message* status_of(Kind kind, const Message& message);

// The object is to be created: what clients may not choose is set (status, generation).
void prepare_create(Kind kind, Message& message);
// A write to the object itself leaves the status as it was.
void keep_status(Kind kind, Message& now, const Message& before);
// `before` with the status of `source`; nothing else changes.
std::unique_ptr<Message> with_status(Kind kind, const Message& before, const Message& source);
// What a client sends beside a status counts as well, as far as an update can change it: labels,
// annotations, finalizers, owners. Source: each kind's status strategy; pods keep their owners,
// deployments their labels.
void take_metadata(Kind kind, Message& now, const Message& before, const Message& source);

// Who creates a request for a certificate is part of it, and not for the client to say.
void stamp_caller(const Request& request, api::CertificateSigningRequest& message);
// The new content of a CertificateSigningRequest whose status (or, with `approval`, whose verdict
// alone) is to be that of `source`. Either keeps what belongs to the other: a signer cannot approve
// and an approver cannot sign.
std::unique_ptr<Message> with_signing_status(const Message& before, const Message& source,
                                             bool approval, WallTime now);

// Raises metadata.generation iff the spec changed (ST-13). Both have the same generation.
void count_generation(Kind kind, Message& now, const Message& before);

}  // namespace keelson::apiserver
