// The extenders of a scheduler: whom a pod concerns, and asking them about it.
//
// One question is a chain: each filter in turn is asked about the nodes that the one before has
// left, then all priorities at once about what is left in the end. What cannot be asked fails the
// question, unless the extender may be ignored.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/api/object.hpp"
#include "core/base/log.hpp"
#include "core/base/loop.hpp"
#include "core/scheduler/cache/vocabulary.hpp"
#include "core/scheduler/config/extender_config.hpp"
#include "core/scheduler/extender/port.hpp"
#include "core/scheduler/extender/wire.hpp"
#include "core/scheduler/framework/advice.hpp"

namespace keelson::scheduler {

struct ExtenderSet {
  std::vector<ExtenderConfig> configs;  // in the order in which they are asked
  ExtenderPort* port = nullptr;         // must outlive the scheduler; null only without configs
};

class Extenders {
 public:
  // All but `set` must outlive this.
  Extenders(ExtenderSet set, Loop& loop, Vocabulary& words, Log& log);
  // Answers to questions under way are dropped.
  ~Extenders();
  Extenders(const Extenders&) = delete;
  Extenders& operator=(const Extenders&) = delete;

  // Has any of them a say where this pod goes: by filter or priorities; by preemption?
  bool concern(const api::Pod& pod) const;
  bool concern_preemption(const api::Pod& pod) const;
  // Asks about these nodes. `done` gets an opinion on each of them, or the error of the extender
  // that cannot be done without; later, never from inside this call.
  void ask(api::ObjectPtr pod, std::vector<api::ObjectPtr> nodes, Done<Advice> done);
  // Asks whether these victims may be deleted for the pod to have the node. `done` gets the uids of
  // those that are to be (an extender may choose others), empty if the node is refused; later, as above.
  // REQUIRES: concern_preemption().
  void ask_preemption(api::ObjectPtr pod, std::string node, extender::Victims victims,
                      Done<std::vector<std::string>> done);

  // Does one of them bind this pod?
  bool binds(const api::Pod& pod) const { return binder(pod) != kNobody; }
  // Code::conflict: it says no, the pod is not bound; unknown: read the pod back. REQUIRES: binds().
  void bind(const api::Object& pod, const std::string& node, Callback<void(Status)> done);

 private:
  struct Question;
  struct PreemptionQuestion;
  using QuestionPtr = std::shared_ptr<Question>;
  static constexpr std::size_t kNobody = ~std::size_t{0};

  bool interested(const ExtenderConfig& extender, const api::Pod& pod) const;
  std::size_t binder(const api::Pod& pod) const;
  void next_filter(const QuestionPtr& question);
  void on_filtered(const QuestionPtr& question, const Result<std::string>& answer);
  Status take_filter_result(Question& question, const Result<std::string>& answer);
  void prioritize(const QuestionPtr& question);
  void on_priorities(Question& question, std::size_t extender, const Result<std::string>& answer);
  void finish(const QuestionPtr& question);
  void next_preemption(const std::shared_ptr<PreemptionQuestion>& question);

  std::vector<ExtenderConfig> configs_;
  ExtenderPort* port_;
  Loop& loop_;
  Vocabulary& words_;
  Log& log_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace keelson::scheduler
