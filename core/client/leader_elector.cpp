#include "core/client/leader_elector.hpp"

#include <algorithm>
#include <utility>

#include "core/api/json.hpp"
#include "core/base/seeded_bug.hpp"

namespace keelson::client {
namespace {

constexpr const char* lease_namespace = "kube-system";
// After release() the lease is worth a few attempts, no more: it expires by itself.
constexpr int release_attempts_max = 3;
// So often a server that is not ready yet is asked in one retry period.
constexpr int beginning_retries = 20;

const std::string& holder_of(const api::ObjectPtr& lease) {
  return lease->as<api::Lease>().spec().holder_identity();
}

int32_t whole_seconds(Duration d) {
  return static_cast<int32_t>(std::max<int64_t>(1, (d + 1s - 1ns) / 1s));
}

}  // namespace

struct LeaderElector::Impl {
  Impl(Loop& l, ApiClient& c, Rng r, LeaderElectionOptions o, std::function<void(api::Fence)> e,
       std::function<void()> d)
      : loop(l),
        client(c),
        rng(r),
        options(std::move(o)),
        on_elected(std::move(e)),
        on_deposed(std::move(d)),
        retry_timer(l, [this] { tick(); }),
        deadline_timer(l, [this] { on_deadline(); }),
        alive(std::make_shared<bool>(true)) {
    KEELSON_ASSERT(!options.role.empty() && !options.identity.empty());
    KEELSON_ASSERT(options.lease_duration > options.renew_deadline &&
                   options.renew_deadline > options.retry_period &&
                   options.retry_period > Duration{});
    fence.role = std::string(lease_namespace) + '/' + options.role;
  }
  ~Impl() { *alive = false; }

  // --- The loop: one call at a time, then a pause ------------------------------------------------
  void tick() {
    if (busy || !running()) return;
    if (leads && past_deadline()) {
      depose();  // with the deadline timer this is only the seeded bug's way out
      if (busy || !running()) return;  // on_deposed may have released
    }
    if (leads && lease && !unsure) {
      renew();
    } else {
      read();
    }
  }
  bool running() const { return started || releasing > 0; }
  void pause(Duration at_most = Duration::max()) {
    if (!running()) return;
    const Duration jittered = rng.between(options.retry_period, options.retry_period * 6 / 5);
    retry_timer.arm(std::min(jittered, at_most));
  }

  template <class Handler>
  void call(api::Request request, Handler handler) {
    request.user = options.user;
    request.actor = options.actor;
    busy = true;
    client.call(std::move(request), [this, alive_now = alive, handler](api::Response response) {
      if (!*alive_now) return;
      busy = false;
      handler(std::move(response));
    });
  }

  // --- Looking ---------------------------------------------------------------------------------
  void read() {
    api::Request request;
    request.verb = api::Verb::get;
    request.kind = api::Kind::leases;
    request.ns = lease_namespace;
    request.name = options.role;
    call(std::move(request), [this](api::Response response) { on_read(std::move(response)); });
  }

  void on_read(api::Response response) {
    if (response.error.reason == api::Reason::not_found) {
      lease = nullptr;
      unsure = false;
      if (leads) depose();
      if (busy || !running()) return;
      releasing > 0 ? finish_release() : bid();
      return;
    }
    if (!response.ok() || !response.object) {
      count_release_attempt();
      // Before the first answer the server may only just have begun: it is ready in a moment, and
      // until then nobody leads.
      const bool begins =
          !lease && !leads && response.error.reason == api::Reason::service_unavailable;
      pause(begins ? options.retry_period / beginning_retries : Duration::max());
      return;
    }
    observe(std::move(response.object));
    unsure = false;
    if (leads && !still_ours()) depose();
    if (busy || !running()) return;
    if (releasing > 0) {
      holder_of(lease) == options.identity ? give_up() : finish_release();
    } else if (leads) {
      renew();
    } else {
      compete();
    }
  }

  // The local time of the last change that was seen is all that expiry is judged by (LE-3).
  void observe(api::ObjectPtr object) {
    if (!lease || lease->revision() != object->revision() || lease->uid() != object->uid()) {
      changed_at = loop.now();
    }
    lease = std::move(object);
  }

  // Nobody else has held it since we got our token: it has our (unique) identity, the store has not
  // failed over (which voids all tokens), and it has not changed hands.
  bool still_ours() const {
    return holder_of(lease) == options.identity && lease->revision().epoch == won.epoch &&
           lease->uid() == won_uid &&
           lease->as<api::Lease>().spec().lease_transitions() == won_transitions;
  }

  void compete() {
    const std::string& holder = holder_of(lease);
    if (holder == options.identity) {
      // Our own name without a token: the answer to our bid was lost, or the store failed over. The
      // revision of the lease is not certainly that at which it changed hands, so let it change
      // hands once more.
      give_up();
      return;
    }
    if (!competed && is_predecessor(holder)) return bid();
    competed = true;
    const auto& spec = lease->as<api::Lease>().spec();
    const Duration promised =
        spec.lease_duration_seconds() > 0
            ? std::max<Duration>(options.lease_duration,
                                 std::chrono::seconds(spec.lease_duration_seconds()))
            : options.lease_duration;
    const Duration left = holder.empty() ? Duration{} : changed_at + promised - loop.now();
    if (left <= Duration{}) {
      bid();
    } else {
      pause(left);  // at the latest when it expires, so that a failover costs no extra pause (LE-6)
    }
  }

  bool is_predecessor(const std::string& holder) const {
    return !options.process.empty() && holder.rfind('_') == options.process.size() &&
           holder.starts_with(options.process);
  }

  // --- Writing ---------------------------------------------------------------------------------
  void fill(api::Lease& body, const std::string& holder) {
    auto& spec = *body.mutable_spec();
    const bool changes_hands = spec.holder_identity() != holder;
    spec.set_holder_identity(holder);
    spec.set_lease_duration_seconds(whole_seconds(options.lease_duration));
    *spec.mutable_renew_time() = api::to_micro_time(loop.wall_now());
    if (changes_hands && !holder.empty()) {
      *spec.mutable_acquire_time() = spec.renew_time();
      spec.set_lease_transitions(lease ? spec.lease_transitions() + 1 : 0);
    }
  }

  api::Request write_request(const std::string& holder) {
    auto body = lease ? std::make_shared<api::Lease>(lease->as<api::Lease>())
                      : std::make_shared<api::Lease>();
    body->mutable_metadata()->set_namespace_(lease_namespace);
    body->mutable_metadata()->set_name(options.role);
    fill(*body, holder);
    api::Request request;
    request.verb = lease ? api::Verb::update : api::Verb::create;
    request.kind = api::Kind::leases;
    request.ns = lease_namespace;
    request.name = options.role;
    request.body = std::move(body);
    if (lease) request.expected.revision = lease->revision();
    return request;
  }

  // Creates the lease or writes our name into it.
  void bid() {
    competed = true;
    const Instant sent = loop.now();
    call(write_request(options.identity), [this, sent](api::Response response) {
      if (!response.ok() || !response.object) {
        // Lost the race, or the outcome is not known: the next read will tell.
        unsure = true;
        pause();
        return;
      }
      observe(std::move(response.object));
      if (started) {
        win(sent);
      } else {
        give_up();  // released while the bid was under way
      }
    });
  }

  void win(Instant sent) {
    won = lease->revision();
    won_uid = lease->uid();
    won_transitions = lease->as<api::Lease>().spec().lease_transitions();
    fence.token = won.value;
    leads = true;
    renewed(sent);
    pause();
    on_elected(fence);
  }

  void renew() {
    const Instant sent = loop.now();
    call(write_request(options.identity), [this, sent](api::Response response) {
      if (response.ok() && response.object) {
        observe(std::move(response.object));
        if (leads && !still_ours()) depose();
        if (leads) renewed(sent);
        if (releasing > 0) {
          tick();
        } else {
          pause();
        }
        return;
      }
      unsure = true;
      // Someone changed the lease (perhaps only its labels): look at once. Anything else gets its
      // pause; the deadline is watched over by its own timer.
      if (response.error.reason == api::Reason::conflict ||
          response.error.reason == api::Reason::not_found || releasing > 0) {
        tick();
      } else {
        pause();
      }
    });
  }

  // Counts from when the request was sent: nobody can have seen the renewal, and so started to
  // count down, any earlier.
  void renewed(Instant sent) {
    valid_until = sent + options.renew_deadline;
    if (seeded(SeededBug::no_fence)) return;
    deadline_timer.arm(std::max(valid_until - loop.now(), Duration{}));
  }
  bool past_deadline() const { return loop.now() >= valid_until; }
  void on_deadline() {
    if (!leads) return;
    if (past_deadline()) {
      depose();
    } else {
      deadline_timer.arm(valid_until - loop.now());
    }
  }

  void depose() {
    leads = false;
    fence.token = 0;
    deadline_timer.disarm();
    const std::shared_ptr<bool> alive_now = alive;
    on_deposed();
    KEELSON_ASSERT_WHY(*alive_now, "on_deposed must not destroy the elector");
  }

  // --- Giving up -------------------------------------------------------------------------------
  void give_up() {
    call(write_request(""), [this](api::Response response) {
      if (response.ok() && response.object) {
        observe(std::move(response.object));
        unsure = false;
        if (releasing > 0) {
          finish_release();
        } else {
          bid();
        }
        return;
      }
      unsure = true;
      count_release_attempt();
      pause();
    });
  }
  void finish_release() { releasing = 0; }
  void count_release_attempt() {
    if (releasing > 0) --releasing;
  }

  void release() {
    started = false;
    const bool held = leads || busy || unsure;  // perhaps a bid whose answer was lost
    leads = false;
    fence.token = 0;
    deadline_timer.disarm();
    if (!held) {
      retry_timer.disarm();
      return;
    }
    releasing = release_attempts_max;
    // A call under way must be answered first: its effect decides what there is to give up.
    if (busy) return;
    if (lease && !unsure && holder_of(lease) == options.identity) {
      give_up();
    } else {
      read();
    }
  }

  Loop& loop;
  ApiClient& client;
  Rng rng;
  LeaderElectionOptions options;
  std::function<void(api::Fence)> on_elected;
  std::function<void()> on_deposed;

  bool started = false;
  int releasing = 0;     // attempts left to give the lease up
  bool busy = false;     // a call is under way
  bool competed = false; // we have seen who holds it
  bool unsure = false;   // `lease` may not be the latest: read before writing
  api::ObjectPtr lease;  // as last seen; null: there is none
  Instant changed_at{};  // when it was seen to change

  bool leads = false;
  api::Fence fence;
  api::Revision won;  // where it changed hands in our favour
  std::string won_uid;
  int32_t won_transitions = 0;
  Instant valid_until{};
  Timer retry_timer, deadline_timer;
  std::shared_ptr<bool> alive;
};

LeaderElector::LeaderElector(Loop& loop, ApiClient& client, Rng rng, LeaderElectionOptions options,
                             std::function<void(api::Fence)> on_elected,
                             std::function<void()> on_deposed)
    : impl_(std::make_unique<Impl>(loop, client, rng, std::move(options), std::move(on_elected),
                                   std::move(on_deposed))) {}
LeaderElector::~LeaderElector() = default;

void LeaderElector::start() {
  if (impl_->started) return;
  impl_->started = true;
  impl_->releasing = 0;
  impl_->unsure = true;
  impl_->retry_timer.arm(Duration{});
}

void LeaderElector::release() {
  impl_->release();
}

void LeaderElector::on_fenced(const api::Fence& fence) {
  // Late news about an earlier reign is no news.
  if (!impl_->leads || fence.role != impl_->fence.role || fence.token != impl_->fence.token) return;
  impl_->unsure = true;
  impl_->depose();
}

bool LeaderElector::leading() const {
  if (seeded(SeededBug::no_fence)) return impl_->leads;
  return impl_->leads && !impl_->past_deadline();
}

const api::Fence& LeaderElector::fence() const {
  return impl_->fence;
}

}  // namespace keelson::client
