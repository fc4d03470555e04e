#include "core/controllers/plan_runner.hpp"

#include <algorithm>

namespace keelson::controllers {

namespace {

constexpr Duration kResendMin = 100ms;
constexpr Duration kResendMax = 5s;
constexpr std::size_t kAbsentMemory = 4096;
constexpr std::size_t kMaxNameBase = 58;
constexpr std::string_view kNameAlphabet = "bcdfghjklmnpqrstvwxz2456789";

// No answer tells whether these took effect.
bool outcome_unknown(const api::ApiError& error) {
  return error.reason == api::Reason::unknown_outcome || error.reason == api::Reason::timeout ||
         error.reason == api::Reason::server_timeout;
}

// Overload and outages pass and say nothing about the write itself.
bool nothing_happened(const api::ApiError& error) {
  return error.reason == api::Reason::service_unavailable ||
         error.reason == api::Reason::too_many_requests;
}

// The object is not what the view said: the view is behind.
bool view_was_stale(const api::ApiError& error) {
  return error.reason == api::Reason::conflict || error.reason == api::Reason::not_found ||
         error.reason == api::Reason::already_exists || error.reason == api::Reason::gone;
}

api::ObjectKey key_of(const api::Request& request) {
  return {request.kind, request.ns, request.name};
}

Occurrence filled(const Occurrence& pattern, std::string_view text) {
  Occurrence occurrence = pattern;
  if (const auto at = occurrence.message.find("{}"); at != std::string::npos) {
    occurrence.message.replace(at, 2, text);
  }
  return occurrence;
}

std::string memory_key(const LiveCheck& check) {
  return to_string(check.key) + ' ' + check.uid;
}

}  // namespace

PlanRunner::PlanRunner(Loop& loop, client::ApiClient& client, const client::Cache& cache, Rng rng,
                       Options options)
    : loop_(loop),
      client_(client),
      cache_(cache),
      rng_(rng),
      options_(std::move(options)),
      delay_timer_(loop, [this] { run_delayed(); }) {}

void PlanRunner::run(Controller& controller, WriteMetrics& metrics, const api::ObjectKey& key,
                     Plan plan, api::BasisPtr basis, Done done) {
  KEELSON_ASSERT(!plan.writes.empty());
  if (lost_) return;
  const uint64_t id = ++last_id_;
  Job& job = jobs_[id];
  job.controller = &controller;
  job.metrics = &metrics;
  job.key = key;
  job.plan = std::move(plan);
  job.basis = std::move(basis);
  job.done = std::move(done);
  begin_stage(id);
}

void PlanRunner::begin_stage(uint64_t id) {
  Job& job = jobs_.at(id);
  const std::vector<PlannedWrite>& writes = job.plan.writes;
  const auto first = static_cast<uint32_t>(job.next);
  while (job.next < writes.size() && writes[job.next].stage == writes[first].stage) ++job.next;
  const auto end = static_cast<uint32_t>(job.next);
  job.outstanding = end - first;
  for (uint32_t i = first; i < end && !lost_; ++i) {
    Step step;
    step.job = id;
    step.write = i;
    step.what = writes[i].checks.empty() ? Step::What::write : Step::What::check;
    perform(step);
  }
}

void PlanRunner::perform(Step step) {
  Job& job = jobs_.at(step.job);
  PlannedWrite& write = job.plan.writes[step.write];
  if (step.what == Step::What::check) {
    while (step.check < write.checks.size() && known_absent(write.checks[step.check])) ++step.check;
    if (step.check < write.checks.size()) {
      const api::ObjectKey& key = write.checks[step.check].key;
      api::Request read =
          key.name.empty() ? api::list(key.kind, key.ns) : api::get(key.kind, key.ns, key.name);
      if (key.name.empty()) read.limit = 1;
      send(step, std::move(read));
      return;
    }
    step.what = Step::What::write;
  }
  if (step.what == Step::What::read_back) {
    send(step, api::get(write.request.kind, write.request.ns, write.request.name));
    return;
  }
  choose_name(write.request);
  api::Request request = write.request;
  request.fence = options_.fence;
  request.basis = job.basis;
  send(step, std::move(request));
}

void PlanRunner::send(Step step, api::Request request) {
  if (lost_) return;
  if (options_.leading && !options_.leading()) {
    lost();
    return;
  }
  request.user = options_.user;
  request.actor = options_.actor + "/" + std::string(jobs_.at(step.job).controller->name());
  client_.call(std::move(request),
               [this, step, alive = std::weak_ptr<char>(alive_)](api::Response response) {
                 if (!alive.expired()) on_answer(step, std::move(response));
               });
}

void PlanRunner::on_answer(Step step, api::Response response) {
  if (lost_) return;
  switch (step.what) {
    case Step::What::check: on_checked(step, response); return;
    case Step::What::write: on_written(step, response); return;
    case Step::What::read_back: on_read_back(step, response); return;
  }
}

void PlanRunner::on_checked(Step step, const api::Response& response) {
  Job& job = jobs_.at(step.job);
  const LiveCheck& check = job.plan.writes[step.write].checks[step.check];
  const bool absent = response.error.reason == api::Reason::not_found;
  if (!response.ok() && !absent) {
    later(step);  // the read itself failed: nothing is known yet
    return;
  }
  const api::ObjectPtr found = !response.items.empty() ? response.items.front() : response.object;
  bool holds = false;
  if (check.expect == LiveCheck::Expect::absent) {
    holds = !found || (!check.uid.empty() && found->uid() != check.uid);
    if (holds) remember_absent(check);
  } else {
    holds = found && found->uid() == check.uid && !found->deleting();
  }
  if (holds) {
    ++step.check;
    step.attempt = 0;  // which from here on counts copies of the write
    perform(step);
    return;
  }
  ++job.metrics->checks_failed;
  job.result.ok = false;
  if (found) {
    job.result.reached.emplace_back(check.key.kind, found->revision());
  } else {
    note_gone(job, check.key);
  }
  finish_write(step.job);
}

void PlanRunner::on_written(Step step, const api::Response& response) {
  if (response.ok()) {
    write_succeeded(step, response);
    return;
  }
  if (response.error.fenced) {
    lost();
    return;
  }
  Job& job = jobs_.at(step.job);
  const api::Request& request = job.plan.writes[step.write].request;
  // An earlier copy of this create may have taken effect: only the object itself can tell.
  const bool in_doubt = request.verb == api::Verb::create && step.attempt > 0;
  if (in_doubt && nothing_happened(response.error)) {
    later(step);
    return;
  }
  if (outcome_unknown(response.error)) {
    ++job.metrics->unknown;
    // A create is sent again under the same name until its fate is known: whatever happened to the
    // first copy, also one that arrives late, there is one object at most (ST-4). Every other write
    // is conditional on a uid or a revision, so a late copy is harmless: reading back is enough.
    if (request.verb == api::Verb::create) {
      later(step);
      return;
    }
  } else if (!view_was_stale(response.error) && !in_doubt) {
    write_refused(step, response.error);
    return;
  } else if (request.verb == api::Verb::remove && response.error.reason == api::Reason::not_found) {
    note_gone(job, key_of(request));  // what was wanted is so already
    finish_write(step.job);
    return;
  } else {
    ++job.metrics->conflicts;
  }
  job.result.ok = false;
  if (request.name.empty()) {  // remove_collection: the next reconcile looks at what is left
    finish_write(step.job);
    return;
  }
  step.what = Step::What::read_back;
  step.attempt = 0;
  perform(step);
}

void PlanRunner::on_read_back(Step step, const api::Response& response) {
  Job& job = jobs_.at(step.job);
  if (response.ok() && response.object) {
    job.result.reached.emplace_back(response.object->kind(), response.object->revision());
  } else if (response.error.reason == api::Reason::not_found) {
    note_gone(job, key_of(job.plan.writes[step.write].request));
  } else {
    later(step);
    return;
  }
  finish_write(step.job);
}

void PlanRunner::write_succeeded(Step step, const api::Response& response) {
  Job& job = jobs_.at(step.job);
  ++job.metrics->writes;
  const PlannedWrite& write = job.plan.writes[step.write];
  // An update that changed nothing answers with the revision that the object has had before; the
  // object's own revision is therefore the better mark than the response's.
  const api::Revision at = response.object ? response.object->revision() : response.revision;
  if (at) job.result.reached.emplace_back(write.request.kind, at);
  if (write.on_success && options_.occurred) {
    options_.occurred(*job.controller, filled(*write.on_success, write.request.name));
  }
  finish_write(step.job);
}

void PlanRunner::write_refused(Step step, const api::ApiError& error) {
  Job& job = jobs_.at(step.job);
  ++job.metrics->refused;
  job.result.ok = false;
  const auto wait = std::chrono::seconds(std::max(error.retry_after_seconds, 0));
  job.result.retry_after = std::max<Duration>(job.result.retry_after, wait);
  if (options_.refused && !nothing_happened(error)) {
    options_.refused(*job.controller, job.plan.writes[step.write].request, error);
  }
  if (!nothing_happened(error)) {
    const PlannedWrite& write = job.plan.writes[step.write];
    job.controller->write_refused(job.key, write.request, error);
    if (write.on_failure && options_.occurred) {
      options_.occurred(*job.controller, filled(*write.on_failure, error.message));
    }
  }
  finish_write(step.job);
}

void PlanRunner::finish_write(uint64_t id) {
  Job& job = jobs_.at(id);
  KEELSON_ASSERT(job.outstanding > 0);
  if (--job.outstanding > 0) return;
  if (job.result.ok && job.next < job.plan.writes.size()) {
    begin_stage(id);
    return;
  }
  if (job.result.ok && options_.occurred) {
    for (const Occurrence& event : job.plan.events) options_.occurred(*job.controller, event);
  }
  Done done = std::move(job.done);
  PlanResult result = std::move(job.result);
  jobs_.erase(id);
  done(std::move(result));
}

void PlanRunner::later(Step step) {
  Duration wait = kResendMin;
  for (int i = 0; i < step.attempt && wait < kResendMax; ++i) wait *= 2;
  wait = std::min(wait, kResendMax);
  wait += rng_.between(Duration::zero(), wait / 5);
  if (step.attempt < 100) ++step.attempt;
  delayed_.emplace(loop_.now() + wait, step);
  delay_timer_.arm_by(wait);
}

void PlanRunner::run_delayed() {
  std::vector<Step> due;
  while (!delayed_.empty() && delayed_.begin()->first <= loop_.now()) {
    due.push_back(delayed_.begin()->second);
    delayed_.erase(delayed_.begin());
  }
  for (const Step& step : due) {
    if (!lost_) perform(step);
  }
  if (!delayed_.empty()) delay_timer_.arm(delayed_.begin()->first - loop_.now());
}

void PlanRunner::lost() {
  if (lost_) return;
  lost_ = true;  // jobs stay where they are until the owner destroys this: callers hold references
  delayed_.clear();
  if (options_.on_lost) options_.on_lost();
}

void PlanRunner::note_gone(Job& job, const api::ObjectKey& key) {
  if (api::ObjectPtr cached = cache_.get(key.kind, key.ns, key.name)) {
    job.result.gone.push_back({key, std::move(cached)});
  }
}

// The name is chosen here, not by the server, so that a create can be repeated and a copy that the
// network makes of it finds the name taken. Same shape as the server's: base of at most 58 and five
// characters.
void PlanRunner::choose_name(api::Request& request) {
  if (request.verb != api::Verb::create || !request.name.empty() || !request.body ||
      request.subresource != api::Subresource::none) {
    return;
  }
  const api::ObjectMeta& meta = api::meta_of(request.kind, *request.body);
  request.name = meta.name();
  if (!request.name.empty() || meta.generate_name().empty()) return;
  request.name = meta.generate_name().substr(0, kMaxNameBase);
  for (int i = 0; i < 5; ++i) request.name += kNameAlphabet[rng_.below(kNameAlphabet.size())];
  std::unique_ptr<api::Message> named(request.body->New());
  named->CopyFrom(*request.body);
  api::mutable_meta_of(request.kind, *named).set_name(request.name);
  request.body = std::move(named);
}

bool PlanRunner::known_absent(const LiveCheck& check) const {
  return check.expect == LiveCheck::Expect::absent && !check.uid.empty() &&
         absent_.contains(memory_key(check));
}

void PlanRunner::remember_absent(const LiveCheck& check) {
  if (check.uid.empty() || check.key.name.empty()) return;
  if (!absent_.insert(memory_key(check)).second) return;
  absent_order_.push_back(memory_key(check));
  if (absent_order_.size() <= kAbsentMemory) return;
  absent_.erase(absent_order_.front());
  absent_order_.pop_front();
}

}  // namespace keelson::controllers
