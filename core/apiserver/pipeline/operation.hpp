// A write, as a function of the state in memory: attempt() looks at the cache and says what to
// commit or what to answer. The Writer runs it, again where the state turns out to have been stale.
#pragma once

#include <memory>
#include <vector>

#include "core/apiserver/pipeline/context.hpp"
#include "core/store/store.hpp"

namespace keelson::apiserver {

struct Attempt {
  std::vector<store::Write> writes;  // empty: `response` is the answer
  std::vector<store::Check> checks;  // what else the writes rest on
  std::string grant_role;            // see store::Transaction
  Response response;

  static Attempt write(store::Write write) {
    Attempt attempt;
    attempt.writes.push_back(std::move(write));
    return attempt;
  }
  static Attempt answer(Response response) {
    Attempt attempt;
    attempt.response = std::move(response);
    return attempt;
  }
  static Attempt fail(ApiError error) { return answer(failed(std::move(error))); }
};

class Operation {
 public:
  Operation(Request&& request, const Context& context)
      : request_(std::move(request)), context_(context) {}
  virtual ~Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  virtual Attempt attempt() = 0;
  // The answer, from the objects as they were committed (or, in a dry run, would have been).
  virtual Response committed(const store::Committed& committed);
  // Operations with the same non-empty lane run one after the other: they contend for one object.
  virtual std::string lane() const { return {}; }

  const Request& request() const { return request_; }

  // --- The Writer's notes
  // -------------------------------------------------------------------------
  Callback<void(Response)> done;
  int conflicts = 0;
  // The cache has caught up with everything that was committed before the request came in, so what
  // attempt() concludes from it is final.
  bool fresh = false;
  // A commit: its first write, and the revision of the cache it was based on.
  struct Sent {
    store::Write write;
    Revision since;
  };
  std::optional<Sent> sent;  // the last one
  // Those whose outcome the store did not tell, oldest first. Each may still take effect later.
  std::vector<Sent> doubts;
  Instant doubt_deadline;  // of the first
  store::ProvenancePtr provenance;

 protected:
  ObjectPtr current() const {
    return context_.cache.find(request_.kind, request_.ns, request_.name);
  }

  // What the guard says of the write; no error: it may go on.
  ApiError guarded(const Object* before, const Message* after) const {
    if (!context_.guard || !request_.caller) return {};
    return context_.guard->check(request_, before, after);
  }

  Request request_;
  const Context& context_;
};

using OperationPtr = std::shared_ptr<Operation>;

store::Write put_new(Kind kind, MessagePtr message);
store::Write put_over(const Object& current, MessagePtr message);
store::Write remove_of(const Object& current);
// The object stays as it is until the transaction commits.
store::Check unchanged(const Object& current);

// The operations; each has a file of its own name.
OperationPtr make_create(Request&& request, const Context& context);
OperationPtr make_update(Request&& request, const Context& context);  // PUT and PATCH, also of status
OperationPtr make_apply(Request&& request, const Context& context);   // PATCH of type apply
OperationPtr make_scale(Request&& request, const Context& context);   // PUT and PATCH of scale
OperationPtr make_remove(Request&& request, const Context& context);
OperationPtr make_binding(Request&& request, const Context& context);
OperationPtr make_eviction(Request&& request, const Context& context);

}  // namespace keelson::apiserver
