#include "core/apiserver/writer.hpp"

#include <algorithm>

#include "core/api/canonical.hpp"

namespace keelson::apiserver {

namespace {

constexpr Duration kDoubtPeriod = 500ms;

// What etcd takes in one request. Objects grow in steps, too, each of which is small: without a bound
// every later read, copy and comparison of one costs more.
constexpr std::size_t kObjectBytesMax = 3 * 512 * 1024;

// A Kubernetes server passes on "etcdserver: request is too large" as a 500 without a reason; 413 is
// what it says of other requests that are too large, and clients do not repeat it.
ApiError check_size(const api::Message& message) {
  ApiError error;
  if (message.ByteSizeLong() <= kObjectBytesMax) return error;
  error.reason = Reason::request_entity_too_large;
  error.message = "Request entity too large: limit is " + std::to_string(kObjectBytesMax);
  return error;
}

// What the operation wants, unless it is too large. Not asked of the body before: validation comes
// first, and finds more to say about a ConfigMap of two MiB.
Attempt bounded_attempt(Operation& operation) {
  const Request& request = operation.request();
  // A deletion that waits for finalizers is a write of the object, too, and must always be possible.
  if (request.verb == api::Verb::remove || request.verb == api::Verb::remove_collection) {
    return operation.attempt();
  }
  Attempt attempt = operation.attempt();
  for (const store::Write& write : attempt.writes) {
    if (write.op != store::Write::Op::put) continue;
    if (ApiError error = check_size(write.object->message())) {
      return Attempt::fail(std::move(error));
    }
  }
  return attempt;
}

ApiError fenced(const Error& why) {
  ApiError error;
  error.reason = Reason::forbidden;
  error.message = "the role token is no longer current: " + why.message;
  error.fenced = true;
  return error;
}

}  // namespace

Writer::Writer(const Context& context, store::Store& store, Freshness& freshness)
    : context_(context), store_(store), freshness_(freshness), doubt_timer_(context.loop, [this] {
        for (const OperationPtr& operation : std::exchange(in_doubt_, {})) refresh(operation);
      }) {}

void Writer::run(OperationPtr operation, Callback<void(Response)> done) {
  operation->done = std::move(done);
  const std::string lane = operation->lane();
  if (!lane.empty()) {
    auto& queue = lanes_[lane];
    queue.push_back(operation);
    if (queue.size() > 1) return;
  }
  step(operation);
}

void Writer::step(const OperationPtr& operation) {
  Attempt attempt = bounded_attempt(*operation);
  const bool writes = !attempt.writes.empty() && !operation->request().dry_run;
  if (writes) {
    commit(operation, std::move(attempt));
  } else if (!operation->fresh) {
    // Memory may be behind, and an answer that rests on it alone would be about the past: neither
    // "not found" nor "nothing to change" is certain before a barrier.
    refresh(operation);
  } else if (!attempt.writes.empty()) {
    preview(operation, attempt);
  } else {
    finish(operation, std::move(attempt.response));
  }
}

void Writer::refresh(const OperationPtr& operation) {
  freshness_.barrier([this, operation](ApiError error) {
    if (!error && cleared_up(operation)) return;
    const bool doubtful = !operation->doubts.empty();
    if (doubtful && context_.loop.now() >= operation->doubt_deadline) {
      finish(operation, failed(doubt()));
    } else if (error && doubtful) {
      look_again(operation);
    } else if (error) {
      finish(operation, failed(std::move(error)));
    } else {
      operation->fresh = true;
      step(operation);
    }
  });
}

void Writer::commit(const OperationPtr& operation, Attempt attempt) {
  const Request& request = operation->request();
  if (!operation->provenance) {
    operation->provenance = std::make_shared<store::Provenance>(store::Provenance{
        request.actor, request.user, request.fence, request.basis, request.request_id});
  }
  operation->sent = {attempt.writes.front(), context_.cache.revision()};
  store::Transaction transaction;
  transaction.writes = std::move(attempt.writes);
  transaction.checks = std::move(attempt.checks);
  transaction.fence = request.fence;
  transaction.grant_role = std::move(attempt.grant_role);
  transaction.provenance = operation->provenance;
  store_.commit(std::move(transaction),
                life_.tie([this, operation](Result<store::Committed> outcome) {
                  committed(operation, std::move(outcome));
                }));
}

// In a lane the conflict is most likely about the claim that several servers contend for. Whenever
// one loses another wins, so many more attempts make sense than against a writer of the same
// object.
int Writer::retries(const Operation& operation) const {
  return context_.options.conflict_retries * (operation.lane().empty() ? 1 : 20);
}

void Writer::committed(const OperationPtr& operation, Result<store::Committed> outcome) {
  if (outcome) {
    finish(operation, operation->committed(*outcome));
    return;
  }
  const Error& why = outcome.error();
  switch (why.code) {
    case Code::conflict:
    case Code::exists:
    case Code::not_found: {
      // Memory was stale: look again when it has caught up. A client's own preconditions are
      // checked then against the new state, so they fail as they must.
      const Request& request = operation->request();
      if (++operation->conflicts > retries(*operation)) {
        refuse(operation, api::conflict_modified(request.kind, request.name));
      } else {
        refresh(operation);
      }
      return;
    }
    case Code::fenced:
      context_.log.info("apiserver: late write refused",
                        {{"kind", api::info(operation->request().kind).plural},
                         {"name", operation->request().name},
                         {"actor", operation->request().actor},
                         {"token", operation->request().fence.token}});
      refuse(operation, fenced(why));
      return;
    case Code::unavailable:
      // Nothing happened this time; but did it before?
      if (operation->doubts.empty()) {
        finish(operation,
               failed(api::service_unavailable("the store is unavailable: " + why.message)));
      } else {
        look_again(operation);
      }
      return;
    case Code::unknown:
      // Its preconditions make it happen at most once and leave a trace by which it is recognized,
      // so it is looked for, and tried again if it is not there.
      if (operation->doubts.empty()) {
        operation->doubt_deadline = context_.loop.now() + context_.options.resolve_wait;
      }
      operation->doubts.push_back(std::move(*operation->sent));
      refresh(operation);
      return;
    default: refuse(operation, api::internal_error(why.message)); return;
  }
}

void Writer::look_again(const OperationPtr& operation) {
  in_doubt_.push_back(operation);
  doubt_timer_.arm_by(kDoubtPeriod);
}

// Answers with the error, unless an earlier attempt turns out to have taken effect.
void Writer::refuse(const OperationPtr& operation, ApiError error) {
  if (operation->doubts.empty()) {
    finish(operation, failed(std::move(error)));
    return;
  }
  freshness_.barrier([this, operation, error = std::move(error)](ApiError unread) mutable {
    if (!unread && cleared_up(operation)) return;
    finish(operation, failed(unread ? doubt() : std::move(error)));
  });
}

// Memory being fresh, looks what has become of commits in doubt. True: the caller has been
// answered. Also asked when a later attempt is refused: what refuses it may be the first one, which
// was on its way for longer than the barrier.
bool Writer::cleared_up(const OperationPtr& operation) {
  for (const Operation::Sent& sent : operation->doubts) {
    if (landed(operation, sent)) return true;
  }
  if (operation->doubts.empty() || context_.cache.floor() <= operation->doubts.front().since) {
    return false;
  }
  finish(operation, failed(doubt()));
  return true;
}

bool Writer::landed(const OperationPtr& operation, const Operation::Sent& sent) {
  const store::Write& write = sent.write;
  const auto& changes = context_.cache.history(write.key.kind);
  const bool put = write.op == store::Write::Op::put;
  for (std::size_t i = context_.cache.first_after(write.key.kind, sent.since); i < changes.size();
       ++i) {
    const Change& change = changes[i];
    const Object& subject = change.subject();
    if (subject.name() != write.key.name || subject.ns() != write.key.ns) continue;
    if (put != (change.after != nullptr)) continue;
    const bool on_same_basis = write.absent
                                   ? !change.before
                                   : change.before && change.before->revision() == *write.revision;
    if (!on_same_basis) continue;
    if (put && !api::same(change.after->message(), write.object->message())) continue;
    finish(operation,
           operation->committed({{put ? change.after : change.gone()}, change.revision}));
    return true;
  }
  return false;
}

void Writer::preview(const OperationPtr& operation, const Attempt& attempt) {
  store::Committed would;
  for (const store::Write& write : attempt.writes) {
    // What would be changed keeps its revision: nothing was.
    const ObjectPtr now = context_.cache.find(write.key);
    if (write.op == store::Write::Op::put) {
      would.objects.push_back(now ? write.object->at(now->revision()) : write.object);
    } else {
      would.objects.push_back(now->at(Revision{}));
    }
  }
  finish(operation, operation->committed(would));
}

void Writer::finish(const OperationPtr& operation, Response response) {
  const std::string lane = operation->lane();
  const Revision revision = response.revision;
  Callback<void(Response)> done = std::move(operation->done);
  done(std::move(response));
  if (lane.empty()) return;
  // The next one decides on a state that includes this one.
  freshness_.at_least(revision, context_.options.read_wait, [this, lane](bool) { next_in(lane); });
}

void Writer::next_in(const std::string& lane) {
  const auto found = lanes_.find(lane);
  found->second.pop_front();
  if (found->second.empty()) {
    lanes_.erase(found);
  } else {
    step(OperationPtr(found->second.front()));
  }
}

void Writer::history_lost() {
  for (const OperationPtr& operation : std::exchange(in_doubt_, {})) {
    finish(operation, failed(doubt()));
  }
}

ApiError Writer::doubt() const {
  return api::unknown_outcome(
      "Timeout: the store did not confirm the write; it may or may not have happened, read the "
      "object back before you try again");
}

}  // namespace keelson::apiserver
