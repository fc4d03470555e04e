// Between two decisions: a pod for which a place (or victims) was found is put to the extenders, and
// decided on again with what they say as advice, until there is nothing left to ask. So a decision
// waits for nobody, and what has changed meanwhile counts.
//
// One pod at a time, as kube-scheduler asks: an extender may keep books, and learns of a pod's place
// only when it is bound. The pods that wait for their turn take it in the queue's order; those that
// concern no extender never come here.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/scheduler/cache/cache.hpp"
#include "core/scheduler/extender/extenders.hpp"
#include "core/scheduler/framework/decide.hpp"
#include "core/scheduler/queue/scheduling_queue.hpp"

namespace keelson::scheduler {

class Consultation {
 public:
  // The scheduler that consults.
  class Machine {
   public:
    virtual bool may_decide() = 0;  // it runs and leads
    virtual Decision decide(const QueuedPod& pod, const Advice* advice) = 0;
    // The nodes that the last decision about this pod found feasible.
    virtual std::span<const NodeIndex> feasible(const QueuedPod& pod) = 0;
    // Ends the attempt, as decided or with an error.
    virtual void act(QueuedPod& pod, const Decision& decision) = 0;
    virtual void failed(QueuedPod& pod, const std::string& why) = 0;
    // An answer has come: something may be due.
    virtual void go_on() = 0;

   protected:
    ~Machine() = default;
  };

  // All must outlive this.
  Consultation(Machine& machine, Loop& loop, SchedulingQueue& queue, const Cache& cache,
               Extenders& extenders, const Plugin& sorter)
      : machine_(machine),
        loop_(loop),
        queue_(queue),
        cache_(cache),
        extenders_(extenders),
        sorter_(sorter) {}

  bool concerns(const PodInfo& pod) const {
    return extenders_.concern(pod.pod()) || extenders_.concern_preemption(pod.pod());
  }
  // Sees to it that the attempt to schedule the pod ends. REQUIRES: it is in flight in the queue, and
  // concerns().
  void schedule(QueuedPod& pod);
  // Has an extender refused nodes for this pod, in the attempt that ends just now?
  bool refused(const PodInfo& pod) const {
    return asking_ && asking_->uid == pod.uid() && asking_->advice.any_refused();
  }

 private:
  // The pod about which extenders are being asked, and what they have said so far.
  struct Asking {
    std::string uid;
    Advice advice;
    std::map<NameId, std::vector<std::string>> consents;  // to preemption: node, uids of victims
    int preemptions = 0;                                  // that were asked about
  };

  void consult(QueuedPod& pod, const Decision& decision);
  void ask_about_nodes(const QueuedPod& pod);
  void ask_about_preemption(const QueuedPod& pod, const Decision& decision);
  void on_answer(const Result<Advice>& answer);
  void next();
  std::optional<Decision> with_victims(const Decision& decision,
                                       const std::vector<std::string>& uids) const;

  Machine& machine_;
  Loop& loop_;
  SchedulingQueue& queue_;
  const Cache& cache_;
  Extenders& extenders_;
  const Plugin& sorter_;
  std::optional<Asking> asking_;
  std::vector<std::string> waiting_;  // uids
};

}  // namespace keelson::scheduler
