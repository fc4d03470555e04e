// The rules of metadata that hold for every kind.
// Source: k8s.io/apiserver/pkg/registry/rest/{create,update,delete,meta}.go.
#pragma once

#include "core/apiserver/common.hpp"
#include "core/base/time.hpp"

namespace keelson::apiserver {

// The object belongs where the request says; what the body leaves out is filled in from there.
ApiError check_place(const Request& request, ObjectMeta& meta);

// A new object: identity and times are the server's to give.
void begin_life(ObjectMeta& meta, std::string uid, WallTime now);
// What a writer cannot change, whatever it sends.
void carry_over(ObjectMeta& now, const ObjectMeta& before);

// The revision that a client's text names; none if there is no text. What is no number is the
// revision of no object.
std::optional<Revision> revision_named(const std::string& text);
// Preconditions of a write on the current object. The revision is compared by value.
ApiError check_expected(const api::Expected& expected, const Object& current);
// The same for deletions, which are worded differently.
ApiError check_expected_to_delete(const api::Expected& expected, const Object& current);

// Marks it as being deleted, to be gone at `when` after `grace` seconds; the first time counts as a
// new generation.
void mark_deleting(ObjectMeta& meta, WallTime when, int64_t grace);

// Nothing keeps the deleting object any more: an update that brings this state removes it.
bool ready_to_go(Kind kind, const Message& message);

}  // namespace keelson::apiserver
