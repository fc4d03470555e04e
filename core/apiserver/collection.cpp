#include "core/apiserver/collection.hpp"

namespace keelson::apiserver {

namespace {
constexpr int kParallel = 16;
}

struct CollectionRemover::Job {
  Request request;
  Callback<void(Response)> done;
  Response answer;  // items: what was found
  std::size_t next = 0;
  int running = 0;
};

void CollectionRemover::run(Request request, Callback<void(Response)> done) {
  auto job = std::make_shared<Job>();
  job->request = std::move(request);
  job->done = std::move(done);
  Request list = job->request;
  list.verb = Verb::list;
  list.resource_version.reset();
  list.exact_revision = false;
  reader_.read(std::move(list), [this, job](Response found) {
    job->answer = std::move(found);
    if (!job->answer.ok() || job->answer.items.empty()) {
      job->done(std::move(job->answer));
    } else {
      proceed(job);
    }
  });
}

void CollectionRemover::proceed(const std::shared_ptr<Job>& job) {
  while (job->answer.ok() && job->running < kParallel && job->next < job->answer.items.size()) {
    const Object& object = *job->answer.items[job->next++];
    Request one = job->request;
    one.verb = Verb::remove;
    one.ns = object.ns();
    one.name = object.name();
    one.expected = {object.uid(), {}};
    ++job->running;
    writer_.run(make_remove(std::move(one), context_), [this, job](Response response) {
      --job->running;
      // One that is gone, or is another by now, needs no deletion.
      const Reason reason = response.error.reason;
      if (response.ok()) {
        job->answer.revision = std::max(job->answer.revision, response.revision);
      } else if (reason != Reason::not_found && reason != Reason::conflict) {
        job->answer.error = std::move(response.error);
      }
      proceed(job);
    });
  }
  const bool all_begun = !job->answer.ok() || job->next == job->answer.items.size();
  if (job->running == 0 && all_begun && job->done) {
    Callback<void(Response)> done = std::exchange(job->done, nullptr);
    done(std::move(job->answer));
  }
}

}  // namespace keelson::apiserver
