#include "core/scheduler/bind_pipeline.hpp"

#include <utility>

#include "core/base/assert.hpp"

namespace keelson::scheduler {
namespace {

uint64_t bit(PluginSlot slot) {
  return uint64_t{1} << slot;
}

// As kube-scheduler says which plugin failed.
std::string running(std::string_view point, std::string_view plugin, const std::string& why) {
  std::string text = "running ";
  text.append(point).append(" plugin \"").append(plugin).append("\": ").append(why);
  return text;
}

}  // namespace

BindPipeline::BindPipeline(Loop& loop, client::ApiClient& client, Cache& cache,
                           const Profiles& profiles, Log& log, Options options, Ended on_ended)
    : loop_(loop),
      client_(client),
      cache_(cache),
      profiles_(profiles),
      log_(log),
      options_(std::move(options)),
      on_ended_(std::move(on_ended)) {
  for (const Profiles::Entry& entry : profiles_.entries()) {
    for (const auto& plugin : entry.profile->plugins()) plugin->attach(*this);
  }
}

BindPipeline::~BindPipeline() {
  *alive_ = false;
  // Calls in flight hold on to their flights; the timers must not outlive the loop.
  for (auto& [uid, flight] : flights_) {
    flight->permits.clear();
    flight->retry = Timer();
  }
}

BindPipeline::FlightPtr BindPipeline::find(const std::string& uid) const {
  const auto it = flights_.find(uid);
  return it == flights_.end() ? nullptr : it->second;
}

BindPipeline::FlightPtr BindPipeline::waiting(const Plugin& plugin, const std::string& uid) const {
  FlightPtr flight = find(uid);
  // Another profile's plugin may have the same slot.
  const bool waits = flight && flight->permits.contains(plugin.slot()) &&
                     &flight->profile->plugin(plugin.slot()) == &plugin;
  return waits ? flight : nullptr;
}

void BindPipeline::start(const PodInfoPtr& pod, NameId node, api::DeviceSet devices,
                         api::Fence fence, api::BasisPtr basis, std::function<bool()> may_send) {
  auto flight = std::make_shared<Flight>();
  flight->target = {pod, cache_.words().text(node)};
  flight->profile = profiles_.of(*pod)->profile.get();
  flight->node = node;
  flight->fence = std::move(fence);
  flight->basis = std::move(basis);
  flight->may_send = std::move(may_send);
  const bool fresh = flights_.emplace(pod->uid(), flight).second;
  KEELSON_ASSERT_WHY(fresh, "a pod is bound once at a time");
  cache_.assume(pod, node, devices);
  for (Plugin* plugin : flight->profile->at(Point::reserve)) {
    ++flight->reserved;
    const Verdict verdict = plugin->reserve(flight->target);
    if (!verdict.ok()) return refused(flight, Point::reserve, *plugin, verdict);
  }
  if (ask_permits(flight) && flight->permits.empty()) pre_bind(flight);
}

// False: rejected.
bool BindPipeline::ask_permits(const FlightPtr& flight) {
  for (Plugin* plugin : flight->profile->at(Point::permit)) {
    PermitResult result = plugin->permit(flight->target);
    if (result.kind == PermitResult::Kind::reject) {
      fail(flight, bit(plugin->slot()), std::move(result.reason));
      return false;
    }
    if (result.kind != PermitResult::Kind::wait) continue;
    Timer timer(loop_, [this, plugin, uid = flight->target.pod->uid()] {
      reject(*plugin, uid,
             "rejected due to timeout after waiting at plugin " + std::string(plugin->name()));
    });
    timer.arm(result.timeout);
    flight->permits.emplace(plugin->slot(), std::move(timer));
  }
  return true;
}

void BindPipeline::allow(const Plugin& plugin, const std::string& uid) {
  const FlightPtr flight = waiting(plugin, uid);
  if (!flight) return;
  flight->permits.erase(plugin.slot());
  if (flight->permits.empty()) pre_bind(flight);
}

void BindPipeline::reject(const Plugin& plugin, const std::string& uid, std::string why) {
  const FlightPtr flight = waiting(plugin, uid);
  if (flight) fail(flight, bit(plugin.slot()), std::move(why));
}

void BindPipeline::pod_gone(const std::string& uid) {
  const FlightPtr flight = find(uid);
  if (flight && !flight->permits.empty()) fail(flight, 0, "the pod is gone");
}

void BindPipeline::pre_bind(const FlightPtr& flight) {
  const auto plugins = flight->profile->at(Point::pre_bind);
  if (flight->next_pre_bind == plugins.size()) return send(flight);
  Plugin* plugin = plugins[flight->next_pre_bind++];
  plugin->pre_bind(flight->target, [this, alive = alive_, flight, plugin](Verdict verdict) {
    if (!*alive || find(flight->target.pod->uid()) != flight) return;
    if (verdict.ok()) {
      pre_bind(flight);
    } else {
      refused(flight, Point::pre_bind, *plugin, std::move(verdict));
    }
  });
}

void BindPipeline::send(const FlightPtr& flight) {
  if (!flight->may_send()) return fail(flight, 0, "not leading any more");
  const auto& pod = flight->target.pod->pod();
  if (options_.extenders != nullptr && options_.extenders->binds(pod)) {
    return send_to_extender(flight);
  }
  std::optional<api::Request> request;
  for (Plugin* plugin : flight->profile->at(Point::bind)) {
    request = plugin->bind(flight->target);
    flight->binder = plugin->name();
    if (request) break;
  }
  if (!request) return fail(flight, 0, "no plugin binds this pod", true);
  request->user = options_.user;
  request->actor = options_.actor;
  request->fence = flight->fence;
  request->basis = flight->basis;
  client_.call(std::move(*request), [this, alive = alive_, flight](api::Response response) {
    if (*alive) on_answer(flight, response);
  });
}

// The extender's word is not enough: if the pod is not bound after all, nothing would ever end the
// assumption that it is.
void BindPipeline::send_to_extender(const FlightPtr& flight) {
  options_.extenders->bind(
      *flight->target.pod->object, flight->target.node, [this, alive = alive_, flight](Status how) {
        if (!*alive) return;
        if (how.code() != Code::conflict) {
          if (!how) ++counters_.unknown;
          return read_back(flight);
        }
        ++counters_.refused;
        fail(flight, 0, "binding rejected: " + how.message(), true);
      });
}

void BindPipeline::on_answer(const FlightPtr& flight, const api::Response& response) {
  const std::string& uid = flight->target.pod->uid();
  // The informer may have been quicker than the answer.
  const bool seen_there =
      cache_.knows(uid) && !cache_.assumed(uid) && cache_.node_of(uid) == flight->node;
  if (response.ok() || seen_there) return succeed(flight);
  if (response.error.reason == api::Reason::unknown_outcome ||
      response.error.reason == api::Reason::timeout ||
      response.error.reason == api::Reason::server_timeout ||
      response.error.reason == api::Reason::internal_error) {
    ++counters_.unknown;
    log_.warning("bind outcome unknown, reading back",
                 {{"pod", uid}, {"why", response.error.message}});
    return read_back(flight);
  }
  ++counters_.refused;
  // A deposed scheduler has nothing to say about the pod any more.
  fail(flight, 0, "binding rejected: " + running("Bind", flight->binder, response.error.message),
       !response.error.fenced);
}

void BindPipeline::read_back(const FlightPtr& flight) {
  const PodInfo& pod = *flight->target.pod;
  api::Request request = api::get(api::Kind::pods, pod.ns(), pod.name());
  request.user = options_.user;
  request.actor = options_.actor;
  client_.call(std::move(request), [this, alive = alive_, flight](api::Response response) {
    if (*alive) on_read_back(flight, response);
  });
}

void BindPipeline::on_read_back(const FlightPtr& flight, const api::Response& response) {
  const std::string& uid = flight->target.pod->uid();
  if (response.error.reason == api::Reason::not_found) {
    return fail(flight, 0, "the pod is gone");
  }
  if (!response.ok() || !response.object) {
    flight->retry = Timer(loop_, [this, uid] {
      if (const FlightPtr again = find(uid)) read_back(again);
    });
    flight->retry.arm(options_.read_back_retry);
    return;
  }
  const auto& found = response.object->as<api::Pod>();
  if (response.object->uid() != uid) return fail(flight, 0, "the pod was replaced");
  if (found.spec().node_name() == flight->target.node) return succeed(flight);
  fail(flight, 0,
       found.spec().node_name().empty() ? "the bind did not take effect"
                                        : "the pod is bound to " + found.spec().node_name());
}

void BindPipeline::succeed(const FlightPtr& flight) {
  flights_.erase(flight->target.pod->uid());
  flight->retry = Timer();
  ++counters_.bound;
  cache_.bind_succeeded(flight->target.pod->uid());
  for (Plugin* plugin : flight->profile->at(Point::post_bind)) plugin->post_bind(flight->target);
  on_ended_({flight->target.pod, flight->node, true, 0, {}, false});
}

// A plugin that failed has not rejected the pod, and time may heal it.
void BindPipeline::refused(const FlightPtr& flight, Point point, const Plugin& plugin,
                           Verdict verdict) {
  if (verdict.code != VerdictCode::error) {
    return fail(flight, bit(plugin.slot()), std::move(verdict.reason));
  }
  fail(flight, 0,
       running(point == Point::reserve ? "Reserve" : "PreBind", plugin.name(), verdict.reason),
       true);
}

void BindPipeline::fail(const FlightPtr& flight, uint64_t rejectors, std::string why,
                        bool failure) {
  const FlightPtr keep = flight;  // the map's may be the last reference
  flights_.erase(flight->target.pod->uid());
  flight->permits.clear();
  flight->retry = Timer();
  if (rejectors != 0) ++counters_.rejected;
  const auto plugins = flight->profile->at(Point::reserve);
  for (std::size_t i = flight->reserved; i > 0; --i) plugins[i - 1]->unreserve(flight->target);
  cache_.forget(flight->target.pod->uid());
  on_ended_({flight->target.pod, flight->node, false, rejectors, std::move(why), failure});
}

}  // namespace keelson::scheduler
