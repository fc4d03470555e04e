#include "core/agent/agent.hpp"

#include <algorithm>

#include "core/agent/admission.hpp"
#include "core/agent/context.hpp"
#include "core/agent/images.hpp"
#include "core/agent/node_status.hpp"
#include "core/agent/pod_worker.hpp"
#include "core/agent/references.hpp"
#include "core/agent/resources.hpp"
#include "core/agent/runtime_cache.hpp"
#include "core/agent/static_pods.hpp"
#include "core/agent/volume_manager.hpp"
#include "core/agent/witness_duty.hpp"
#include "core/client/informer.hpp"
#include "core/client/lost_history.hpp"

namespace keelson::agent {

namespace {

AgentOptions complete(AgentOptions options) {
  if (options.user.empty()) options.user = "system:node:" + options.node_name;
  if (options.actor.empty()) options.actor = "agent/" + options.node_name;
  return options;
}

using WorkerPtr = std::shared_ptr<PodWorker>;

}  // namespace

struct Agent::Impl {
  Impl(Loop& loop, client::ApiClient& client, ContainerRuntime& runtime, Rng rng, Log& log,
       AgentOptions options)
      : statics(loop, client),
        context(loop, statics, runtime, log, rng, complete(std::move(options))),
        pods(loop, client, rng.fork("pods"),
             client::InformerOptions{.kind = api::Kind::pods,
                                     .field_selector = "spec.nodeName=" + context.options.node_name,
                                     .user = context.options.user,
                                     .actor = context.options.actor,
                                     .not_before = context.options.last_seen}),
        cache(
            context, [this](const Sightings& seen, uint64_t asked) { on_listed(seen, asked); },
            [this](bool healthy) { on_health(healthy); }),
        images(context, [this] { on_images(); }),
        references(context),
        node(context),
        room(context.options.allocatable.empty() ? context.options.capacity
                                                 : context.options.allocatable,
             context.options.max_pods),
        saved(context.options.last_seen) {
    context.pods = &pods;
    context.cache = &cache;
    context.images = &images;
    context.references = &references;
    context.on_freed = [this] { schedule_sweep(); };
    if (PodVolumes* disk = context.options.volumes) {
      volumes = std::make_unique<VolumeManager>(
          context, *disk, [this](const std::string& uid) { on_hope(uid); });
      context.volumes = volumes.get();
    }
    if (NodeStats* stats = context.options.stats) {
      resources = std::make_unique<Resources>(context, *stats, workers, node);
    }
    pods.on_change([this](const api::ObjectPtr& before, const api::ObjectPtr& after) {
      on_pod(before, after);
    });
    pods.on_progress([this] { on_progress(); });
    if (client::PeerProber* prober = context.options.prober) {
      witness = std::make_unique<WitnessDuty>(
          context, *prober, [this](api::PeerReport report) { node.report(std::move(report)); });
    }
  }

  void start() {
    images.refresh();
    cache.start();
    pods.start();
    node.start();
    if (witness) witness->start();
    if (resources) resources->start();
  }

  void on_images() {
    if (resources) resources->images_changed();
    node.images_changed();
  }

  void on_health(bool healthy) {
    node.set_runtime_health(healthy);
    if (healthy) images.refresh();
  }

  // --- What the API says ---

  void save(api::Revision seen) {
    if (seen <= saved) return;
    saved = seen;
    if (context.options.save_last_seen) context.options.save_last_seen(seen);
  }

  void on_pod(const api::ObjectPtr& before, const api::ObjectPtr& after) {
    if (after) save(after->revision());
    if (context.options.manifests && is_mirror(after ? *after : *before)) {
      statics.on_mirror(before, after);
    } else {
      change(before, after);
    }
  }

  void change(const api::ObjectPtr& before, const api::ObjectPtr& after) {
    if (before && (!after || after->uid() != before->uid())) {
      const auto at = workers.find(before->uid());
      if (at != workers.end()) at->second->on_gone();
    }
    if (!after) return;
    const auto at = workers.find(after->uid());
    if (at != workers.end()) {
      at->second->on_object(after);
      return;
    }
    add_worker(api::Ref<api::Pod>(after), after->uid());
  }

  // After a gap in the store's revisions: says that nothing runs here any more that the store has forgotten, or
  // that it is on its way.
  void agree() {
    const uint64_t seen = pods.revision().value;
    if (!ready || !pods.synced() || seen < node.agrees() + client::epoch_gap / 2) return;
    for (const auto& [uid, worker] : workers) {
      const bool forgotten = !worker->state().pod || worker->state().ending == Ending::gone;
      if (!forgotten || worker->done()) continue;
      if (seen >= node.ends() + client::epoch_gap / 2) node.set_ends(seen);
      return;
    }
    node.set_agrees(seen);
  }

  void on_progress() {
    save(pods.revision());
    agree();
    if (!synced && pods.synced()) {
      synced = true;
      cache.request();  // nothing starts before the runtime, too, has said what there is
      if (ManifestSource* source = context.options.manifests) {
        statics.start(context, *source,
                      {.on_pod = [this](const auto& before, const auto& after) {
                         change(before, after);
                       },
                       .own_node = [this] { return node.object(); }});
      }
    }
  }

  // --- What the runtime says ---

  void on_listed(const Sightings& seen, uint64_t asked) {
    if (!synced) return;
    static const Sighting nothing;
    for (const auto& [uid, worker] : workers) {
      const auto found = seen.find(uid);
      worker->on_sighting(found == seen.end() ? nothing : found->second, asked);
    }
    for (const auto& [uid, sighting] : seen) {
      const std::string key(uid);
      if (workers.contains(key)) continue;
      context.log.info("removing what no pod owns",
                       {{"node", context.options.node_name}, {"uid", key}});
      add_worker(nullptr, key)->on_sighting(sighting, asked);
    }
    if (!ready) {
      ready = true;
      remove_orphans();
      schedule_sweep();
    }
  }

  // Volumes that an earlier incarnation made for pods that are gone from the API and the runtime.
  void remove_orphans() {
    if (!volumes) return;
    volumes->list(lifetime.guard([this](Result<std::vector<std::string>> uids) {
      if (!uids.ok()) {
        context.log.warning("volumes not listed", {{"why", uids.error().message}});
        return;
      }
      for (const std::string& uid : *uids) {
        if (!workers.contains(uid)) add_worker(nullptr, uid)->assume_absent();
      }
    }));
  }

  void on_hope(const std::string& uid) {
    const auto at = workers.find(uid);
    if (at != workers.end()) at->second->on_hope();
  }

  // --- Workers ---

  PodWorker* add_worker(api::Ref<api::Pod> pod, const std::string& uid) {
    const bool known = static_cast<bool>(pod);
    WorkerPtr worker = std::make_shared<PodWorker>(context, std::move(pod), uid);
    PodWorker* raw = worker.get();
    workers.emplace(uid, std::move(worker));
    cache.set_busy(true);
    if (known && ready) {
      // The last list had nothing of it, or there would be a worker already.
      raw->assume_absent();
      schedule_sweep();
    }
    return raw;
  }

  void schedule_sweep() {
    if (sweep_pending) return;
    sweep_pending = true;
    context.loop.post(lifetime.guard([this] {
      sweep_pending = false;
      sweep();
    }));
  }

  // Forgets workers that have nothing left to do, then admits the waiting ones.
  void sweep() {
    std::vector<api::ObjectPtr> again;
    for (auto at = workers.begin(); at != workers.end();) {
      if (!at->second->done()) {
        ++at;
        continue;
      }
      // An orphan whose pod has turned up in the API meanwhile starts afresh.
      const api::Ref<api::Pod>& pod = at->second->state().pod;
      if (!pod) {
        for (const auto& [key, object] : pods.objects()) {
          if (object->uid() == at->first) again.push_back(object);
        }
      }
      doubts.erase(at->first);
      at = workers.erase(at);
    }
    for (const api::ObjectPtr& object : again)
      add_worker(api::Ref<api::Pod>(object), object->uid());
    cache.set_busy(!workers.empty());
    agree();
    if (ready) admit();
  }

  // Something of this pod runs or has been admitted before: it is not judged again. A restart of
  // the agent must not evict what runs (k8s#83612).
  static bool admitted_before(const PodState& state) {
    return state.pod->status().has_start_time() || !state.sandbox.id.empty() ||
           !state.strays.empty();
  }

  void admit() {
    std::vector<PodWorker*> waiting;
    for (const auto& [uid, worker] : workers) {
      if (worker->state().held && worker->state().pod) waiting.push_back(worker.get());
    }
    if (waiting.empty()) return;
    std::stable_sort(waiting.begin(), waiting.end(),
                     [](const PodWorker* a, const PodWorker* b) { return rank(*a) < rank(*b); });
    room.reset();
    for (const auto& [uid, worker] : workers) {
      if (worker->occupies()) room.take(worker->demand());
    }
    const std::map<std::string, std::string> labels = node.labels();
    const std::vector<api::Taint> taints = node.taints();
    for (PodWorker* worker : waiting) judge(*worker, labels, taints);
  }
  using Rank = std::tuple<bool, int64_t, const std::string&, const std::string&>;
  static Rank rank(const PodWorker& worker) {
    const PodState& state = worker.state();
    return {!admitted_before(state), state.pod->metadata().creation_timestamp().seconds(),
            state.pod.ns(), state.pod.name()};
  }

  void judge(PodWorker& worker, const std::map<std::string, std::string>& labels,
             const std::vector<api::Taint>& taints) {
    const PodState& state = worker.state();
    if (has_predecessor(worker)) return;
    if (!admitted_before(state)) {
      const bool matches = matches_node(state.pod->spec(), labels, context.options.node_name);
      if (!matches || !may_stay(state.pod->spec(), taints)) {
        // The scheduler may know labels and taints that this agent does not: after a start, or
        // because the pod's event was quicker than the node's. A refusal is final, so it takes a
        // fresh look.
        const Instant doubted = doubts.try_emplace(state.uid, context.loop.now()).first->second;
        if (!node.read_since(doubted)) {
          node.read_again();
          return;
        }
        worker.reject(matches ? taint_toleration_verdict() : node_affinity_verdict());
        return;
      }
      if (resources) {
        if (std::optional<Verdict> refusal = resources->refuse(*state.pod)) {
          worker.reject(std::move(*refusal));
          return;
        }
      }
      if (std::optional<Verdict> refusal = room.refuse(worker.demand())) {
        // What is on its way out has been given away already by the scheduler: wait for it, instead
        // of refusing pods until it is gone (k8s#106884).
        if (!fits_without_ending(worker)) worker.reject(std::move(*refusal));
        return;
      }
    }
    room.take(worker.demand());
    worker.admit();
  }

  // An older pod of the same name whose processes have not ended: two of one identity must not run
  // side by side (GUARANTEES SS-1).
  bool has_predecessor(const PodWorker& worker) const {
    for (const auto& [uid, other] : workers) {
      const PodState& state = other->state();
      if (other.get() == &worker || !state.pod || state.ending == Ending::none) continue;
      if (state.rejected || state.pod.name() != worker.state().pod.name() ||
          state.pod.ns() != worker.state().pod.ns()) {
        continue;
      }
      if (!state.runtime_known || processes_alive(state)) return true;
    }
    return false;
  }

  bool fits_without_ending(PodWorker& worker) const {
    NodeRoom later = room;
    later.reset();
    bool any = false;
    for (const auto& [uid, other] : workers) {
      if (!other->occupies()) continue;
      if (other->state().ending == Ending::none) {
        later.take(other->demand());
      } else {
        any = true;
      }
    }
    return any && !later.refuse(worker.demand());
  }

  StaticPods statics;  // through which everybody else asks
  Context context;
  client::Informer pods;
  RuntimeCache cache;
  ImageStore images;
  ReferenceCache references;
  NodeStatus node;
  std::unique_ptr<VolumeManager> volumes;
  std::unique_ptr<WitnessDuty> witness;
  NodeRoom room;
  api::Revision saved;
  std::map<std::string, WorkerPtr> workers;  // by pod uid
  // Since when pods are held back because the Node's labels or taints do not suit them, by uid.
  std::map<std::string, Instant> doubts;
  std::unique_ptr<Resources> resources;
  bool synced = false;  // the pods of this node are known
  bool ready = false;   // and so is what the runtime has
  bool sweep_pending = false;
  Lifetime lifetime;
};

Agent::Agent(Loop& loop, client::ApiClient& client, ContainerRuntime& runtime, Rng rng, Log& log,
             AgentOptions options)
    : impl_(std::make_unique<Impl>(loop, client, runtime, rng, log, std::move(options))) {}

Agent::~Agent() = default;

void Agent::start() {
  impl_->start();
}

void Agent::set_not_ready(std::string why) {
  impl_->node.set_not_ready(std::move(why));
}

std::vector<api::Ref<api::Pod>> Agent::pods() const {
  std::vector<api::Ref<api::Pod>> out;
  for (const auto& [key, object] : impl_->pods.objects()) out.emplace_back(object);
  return out;
}

}  // namespace keelson::agent
