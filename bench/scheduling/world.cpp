#include "bench/scheduling/world.hpp"

#include <time.h>

#include <algorithm>

namespace keelson::bench {

using scheduler::Decision;
using scheduler::NameId;
using scheduler::NodeIndex;
using scheduler::PodInfoPtr;
using scheduler::QueuedPod;

namespace {
// Pods come, are decided and are confirmed in batches of this many, as they do in a busy cluster.
constexpr int kBatch = 1000;
}  // namespace

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

SchedulingWorld::SchedulingWorld(const Shape& shape, uint64_t seed, bool remember)
    : shape_(shape),
      profile_(scheduler::Profile::make(scheduler::ProfileOptions::defaults(),
                                        scheduler::default_plugins())
                   .value()),
      queue_(profile_, {}),
      rng_(seed) {
  cycle_.remember = remember;
  for (int i = 0; i < shape.nodes; ++i) {
    const auto zone = shape.zones.empty()
                          ? std::string_view()
                          : shape.zones[static_cast<std::size_t>(i) % shape.zones.size()];
    cache_.set_node(make_node(i, zone));
  }
  if (shape.service) {
    cache_.snapshot().workloads.apply(nullptr, make_service(shape.measured.ns, 0));
  }
  cache_.snapshot().reorder_if_needed();
}

SchedulingWorld::Outcome SchedulingWorld::run() {
  for (const Pods& pods : shape_.before) add_pods(pods, 0);
  outcome_ = {};
  seconds_ = 0;
  add_pods(shape_.measured, shape_.churn_every);
  outcome_.waiting = static_cast<int>(queue_.depths().unschedulable);
  outcome_.seconds = seconds_;
  return outcome_;
}

void SchedulingWorld::add_pods(const Pods& pods, int churn_every) {
  int until_churn = churn_every;
  for (int done = 0; done < pods.count;) {
    int batch = std::min(kBatch, pods.count - done);
    if (churn_every > 0) batch = std::min(batch, until_churn);
    std::vector<api::ObjectPtr> objects;
    for (int i = 0; i < batch; ++i) {
      objects.push_back(api::make_object(make_pod(pods.form, pods.ns, next_pod_++)));
    }
    arrive(std::move(objects));
    decide_all();
    done += batch;
    until_churn -= batch;
    if (churn_every > 0 && until_churn == 0) {
      churn();
      until_churn = churn_every;
    }
  }
}

void SchedulingWorld::arrive(std::vector<api::ObjectPtr> pods) {
  timed([&] {
    for (auto& pod : pods) queue_.put(cache_.info(std::move(pod)), true, now_);
  });
}

// Until the queue has nothing more that is due soon.
void SchedulingWorld::decide_all() {
  while (true) {
    timed([&] {
      cache_.snapshot().reorder_if_needed();
      while (QueuedPod* queued = queue_.pop()) decide_one(*queued);
    });
    confirm();
    if (queue_.depths().backoff == 0) return;
    // The others of the queue wait for events, which only come with what follows.
    timed([&] {
      now_ = std::max(now_, queue_.next_due());
      queue_.advance(now_);
    });
  }
}

void SchedulingWorld::decide_one(QueuedPod& queued) {
  const PodInfoPtr info = queued.info;
  Decision decision = scheduler::decide(*profile_, cache_.snapshot(), *info, rng_, cycle_);
  ++outcome_.decisions;
  switch (decision.kind) {
    case Decision::Kind::node: {
      const NameId node = cache_.snapshot().name(decision.node);
      cache_.snapshot().unnominate(info->uid());
      cache_.assume(info, node);
      cache_.bind_succeeded(info->uid());
      assumed_.emplace_back(info, node);
      ++outcome_.placed;
      return;
    }
    case Decision::Kind::preempt: {
      ++outcome_.preemptions;
      const NameId node = cache_.snapshot().name(decision.node);
      queue_.unschedulable(queued, decision.diagnosis.rejectors(), now_);
      cache_.snapshot().nominate(info, node);
      for (const PodInfoPtr& victim : decision.victims) remove_pod(victim->uid());
      return;
    }
    case Decision::Kind::unschedulable:
      // The message is part of the work: it goes into the pod's status.
      if (decision.diagnosis.message().empty()) std::abort();
      queue_.unschedulable(queued, decision.diagnosis.rejectors(), now_);
      return;
    case Decision::Kind::error: std::abort();
  }
}

// The API shows the pods on their nodes.
void SchedulingWorld::confirm() {
  std::vector<api::ObjectPtr> bound;
  bound.reserve(assumed_.size());
  for (const auto& [info, node] : assumed_) {
    if (!cache_.knows(info->uid())) continue;  // preempted meanwhile
    api::Pod pod = info->pod();
    pod.mutable_spec()->set_node_name(cache_.words().text(node));
    bound.push_back(api::make_object(std::move(pod)));
  }
  timed([&] {
    for (const auto& pod : bound) {
      cache_.see(pod);
      queue_.remove(pod->uid());
    }
  });
  assumed_.clear();
}

void SchedulingWorld::wake(scheduler::EventMask event, NameId node) {
  const scheduler::Snapshot& snapshot = cache_.snapshot();
  queue_.wake(event, snapshot, node == 0 ? scheduler::kNoNode : snapshot.find(node), now_);
}

void SchedulingWorld::remove_pod(const std::string& uid) {
  const std::string gone = uid;
  const NameId node = cache_.remove(gone);
  cache_.snapshot().unnominate(gone);
  queue_.remove(gone);
  if (node != 0) wake(scheduler::events::pod_removed, node);
}

void SchedulingWorld::churn() {
  const int number = ++churned_;
  switch (shape_.churn) {
    case Churn::none: return;
    case Churn::unschedulable_pod:
      arrive({api::make_object(make_pod(PodForm::unschedulable, "churn", next_pod_++))});
      return;
    case Churn::preempting_pod:
      arrive({api::make_object(make_pod(PodForm::high_priority, "churn", next_pod_++))});
      return;
    case Churn::mixed: break;
  }
  const auto node = make_full_node(number);
  const auto service = make_service("churn", number);
  const auto pod = api::make_object(make_pod(PodForm::unschedulable, "churn", next_pod_++));
  timed([&] {
    if (churn_node_) {
      cache_.remove_node(churn_node_->name());
      wake(scheduler::events::node_removed, 0);
      remove_pod(churn_pod_);
      cache_.snapshot().workloads.apply(churn_service_, nullptr);
      wake(scheduler::events::workload_changed, 0);
    }
    wake(cache_.set_node(node), cache_.words().id(node->name()));
    if (cache_.snapshot().workloads.apply(nullptr, service)) {
      wake(scheduler::events::workload_changed, 0);
    }
  });
  churn_node_ = node;
  churn_service_ = service;
  churn_pod_ = pod->uid();
  arrive({pod});
}

}  // namespace keelson::bench
