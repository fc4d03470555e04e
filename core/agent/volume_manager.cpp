#include "core/agent/volume_manager.hpp"

#include <algorithm>

#include "core/agent/references.hpp"

namespace keelson::agent {

namespace {

// A ConfigMap about which the API server says nothing for this long is reported.
constexpr Duration kPatience = 10s;
// After a refresh that failed: the files stay as they are meanwhile.
constexpr Duration kRefreshRetry = 10s;

std::set<ObjectWatches::Key> objects_of(const api::Ref<api::Pod>& pod) {
  std::set<ObjectWatches::Key> out;
  for (const Reference& reference : volume_references(pod->spec())) {
    out.insert({reference.kind, pod.ns(), reference.name});
  }
  return out;
}

// What of a pod can show in its files and can change.
bool shows_the_same(const api::Pod& a, const api::Pod& b) {
  const auto same = [](const auto& x, const auto& y) {
    return x.size() == y.size() && std::all_of(x.begin(), x.end(), [&](const auto& entry) {
             const auto at = y.find(entry.first);
             return at != y.end() && at->second == entry.second;
           });
  };
  return same(a.metadata().labels(), b.metadata().labels()) &&
         same(a.metadata().annotations(), b.metadata().annotations());
}

}  // namespace

VolumeManager::VolumeManager(Context& context, PodVolumes& disk,
                             std::function<void(const std::string& uid)> on_hope)
    : context_(context),
      disk_(disk),
      on_hope_(std::move(on_hope)),
      objects_(context, [this](const std::string& uid) { changed(uid); }),
      tokens_(context) {}

VolumeManager::Entry& VolumeManager::entry_of(const std::string& uid) {
  Entry& entry = entries_[uid];
  if (!entry.timer) {
    entry.timer = Timer(context_.loop, lifetime_.guard([this, uid] { pass(uid); }));
  }
  return entry;
}

void VolumeManager::set_up(api::Ref<api::Pod> pod, Done<Unit> done) {
  const std::string uid = pod.object().uid();
  Entry& entry = entry_of(uid);
  entry.pod = std::move(pod);
  entry.waiting.push_back(std::move(done));
  entry.patience = context_.loop.now() + kPatience;
  objects_.want(uid, objects_of(entry.pod));
  pass(uid);
}

void VolumeManager::update(const api::Ref<api::Pod>& pod) {
  const auto at = entries_.find(pod.object().uid());
  if (at == entries_.end() || !at->second.pod) return;
  const bool same = shows_the_same(*at->second.pod, *pod);
  at->second.pod = pod;
  if (!same) changed(at->first);
}

void VolumeManager::changed(const std::string& uid) {
  const auto at = entries_.find(uid);
  if (at == entries_.end()) return;
  if (!at->second.ready && at->second.waiting.empty() && !at->second.busy) {
    on_hope_(uid);
  } else {
    pass(uid);
  }
}

void VolumeManager::pass(const std::string& uid) {
  const auto at = entries_.find(uid);
  if (at == entries_.end() || !at->second.pod || at->second.removal) return;
  Entry& entry = at->second;
  if (entry.busy) {
    entry.again = true;
    return;
  }
  const Instant now = context_.loop.now();
  for (const ObjectWatches::Key& key : objects_of(entry.pod)) {
    if (objects_.find(key)) continue;
    if (now < entry.patience || entry.waiting.empty()) {
      entry.timer.arm(std::max<Duration>(entry.patience - now, 1s));
      return;
    }
    entry.busy = true;
    finish(uid, Error{Code::unavailable, "MountVolume.SetUp failed: nothing is known yet of " +
                                             key.ns + "/" + key.name});
    return;
  }
  entry.busy = true;
  fetch_tokens(uid, token_wishes(entry.pod->spec()));
}

void VolumeManager::fetch_tokens(const std::string& uid, std::vector<TokenWish> wishes) {
  if (wishes.empty()) {
    write(uid);
    return;
  }
  const TokenWish wish = std::move(wishes.back());
  wishes.pop_back();
  tokens_.get(entry_of(uid).pod, wish,
              lifetime_.guard([this, uid, wishes = std::move(wishes)](Result<Unit> got) mutable {
                if (!got.ok()) {
                  finish(uid, std::move(got));
                } else {
                  fetch_tokens(uid, std::move(wishes));
                }
              }));
}

void VolumeManager::write(const std::string& uid) {
  Entry& entry = entry_of(uid);
  const AgentOptions& own = context_.options;
  const auto& allocatable = own.allocatable.empty() ? own.capacity : own.allocatable;
  const VolumeSources sources{
      .object =
          [&](api::Kind kind, const std::string& name) {
            return objects_.find({kind, entry.pod.ns(), name}).value_or(nullptr);
          },
      .token = [&](const TokenWish& wish) { return tokens_.find(uid, wish); },
      .here = {own.node_name, own.address, {}, &allocatable}};
  VolumePlan plan = volumes_of(*entry.pod, sources);
  // One that lacks something, a ConfigMap that was deleted, does not keep the others from changing.
  disk_.set_up(std::move(plan.setup),
               lifetime_.guard([this, uid, problem = std::move(plan.problem)](Result<Unit> done) {
                 finish(uid, problem.ok() ? std::move(done) : Result<Unit>(problem.error()));
               }));
}

void VolumeManager::finish(const std::string& uid, Result<Unit> result) {
  Entry& entry = entry_of(uid);
  entry.busy = false;
  entry.ready = entry.ready || result.ok();
  const bool repeat = std::exchange(entry.again, false);
  if (entry.removal) {
    remove(uid);
  } else if (!result.ok() && entry.waiting.empty()) {
    context_.log.warning("volumes not refreshed", {{"pod", entry.pod.name()},
                                                   {"namespace", entry.pod.ns()},
                                                   {"why", result.error().message}});
    // What is missing is watched for.
    const bool missing = result.code() == Code::invalid;
    const Instant due = tokens_.due(uid);
    if (!missing || repeat) {
      entry.timer.arm(repeat ? Duration::zero() : Duration(kRefreshRetry));
    } else if (due != Instant{}) {
      entry.timer.arm(std::max<Duration>(due - context_.loop.now(), 1s));
    }
  } else if (repeat) {
    entry.timer.arm(Duration::zero());
  } else if (const Instant due = tokens_.due(uid); due != Instant{} && entry.ready) {
    entry.timer.arm(std::max<Duration>(due - context_.loop.now(), 1s));
  }
  // Last, for whoever waits may call again.
  for (Done<Unit>& done : std::exchange(entry.waiting, {})) done(result);
}

void VolumeManager::mount(const api::Pod& pod, const api::Container& container,
                          const Environment& environment, Done<std::vector<Mount>> done) {
  Result<MountPlan> plan = mounts_of(pod, container, environment);
  if (!plan.ok() || plan->parts.empty()) {
    context_.loop.post(lifetime_.guard([plan = std::move(plan), done = std::move(done)]() mutable {
      if (plan.ok()) {
        done(std::move(plan->mounts));
      } else {
        done(plan.error());
      }
    }));
    return;
  }
  auto located = [mounts = std::move(plan->mounts),
                  done = std::move(done)](Result<std::vector<std::string>> paths) mutable {
    if (!paths.ok()) {
      done(paths.error());
      return;
    }
    for (std::size_t i = 0; i < mounts.size() && i < paths->size(); ++i) {
      mounts[i].host_path = std::move((*paths)[i]);
    }
    done(std::move(mounts));
  };
  disk_.locate(pod.metadata().uid(), container.name(), std::move(plan->parts),
               lifetime_.guard(std::move(located)));
}

void VolumeManager::tear_down(const std::string& uid, bool all, Done<Unit> done) {
  Entry& entry = entry_of(uid);
  entry.remove_all = all;
  entry.removal = std::move(done);
  objects_.want(uid, {});
  if (!entry.busy) remove(uid);
}

void VolumeManager::remove(const std::string& uid) {
  Entry& entry = entry_of(uid);
  entry.busy = true;
  disk_.tear_down(uid, entry.remove_all, lifetime_.guard([this, uid](Result<Unit> removed) {
    Entry& own = entry_of(uid);
    own.busy = own.ready = false;
    Done<Unit> done = std::move(own.removal);
    own.removal.reset();
    if (removed.ok()) {
      tokens_.forget(uid);
      entries_.erase(uid);
    }
    done(std::move(removed));
  }));
}

}  // namespace keelson::agent
