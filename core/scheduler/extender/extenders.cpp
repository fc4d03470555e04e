#include "core/scheduler/extender/extenders.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "core/base/assert.hpp"
#include "core/scheduler/extender/wire.hpp"

namespace keelson::scheduler {
namespace {

// Extenders score up to 10, plugins up to 100. Source: MaxExtenderPriority of kube-scheduler.
constexpr int64_t kScale = 10;

template <class Containers>
bool requests(const Containers& containers, const std::string& resource) {
  return std::any_of(containers.begin(), containers.end(), [&](const auto& container) {
    return container.resources().requests().contains(resource) ||
           container.resources().limits().contains(resource);
  });
}

std::string named(const ExtenderConfig& extender, const std::string& why) {
  return "extender " + extender.url_prefix + ": " + why;
}

}  // namespace

// One pod about which extenders are asked.
struct Extenders::Question {
  api::ObjectPtr pod;
  std::vector<api::ObjectPtr> nodes;  // that are left
  Done<Advice> done;
  Advice advice;
  std::size_t next = 0;     // the extender whose filter is asked next
  std::size_t waiting = 0;  // priorities that are still to come
  bool asked = false;       // somebody was
};

Extenders::Extenders(ExtenderSet set, Loop& loop, Vocabulary& words, Log& log)
    : configs_(std::move(set.configs)), port_(set.port), loop_(loop), words_(words), log_(log) {
  KEELSON_ASSERT_WHY(configs_.empty() || port_ != nullptr, "extenders need a port");
}

Extenders::~Extenders() {
  *alive_ = false;
}

// Source: HTTPExtender.IsInterested and hasManagedResources.
bool Extenders::interested(const ExtenderConfig& extender, const api::Pod& pod) const {
  if (extender.managed_resources.empty()) return true;
  return std::any_of(extender.managed_resources.begin(), extender.managed_resources.end(),
                     [&](const ExtenderConfig::Managed& managed) {
                       return requests(pod.spec().containers(), managed.name) ||
                              requests(pod.spec().init_containers(), managed.name);
                     });
}

bool Extenders::concern(const api::Pod& pod) const {
  return std::any_of(configs_.begin(), configs_.end(), [&](const ExtenderConfig& extender) {
    return !(extender.filter_verb.empty() && extender.prioritize_verb.empty()) &&
           interested(extender, pod);
  });
}

bool Extenders::concern_preemption(const api::Pod& pod) const {
  return std::any_of(configs_.begin(), configs_.end(), [&](const ExtenderConfig& extender) {
    return !extender.preempt_verb.empty() && interested(extender, pod);
  });
}

std::size_t Extenders::binder(const api::Pod& pod) const {
  for (std::size_t i = 0; i < configs_.size(); ++i) {
    if (!configs_[i].bind_verb.empty() && interested(configs_[i], pod)) return i;
  }
  return kNobody;
}

void Extenders::ask(api::ObjectPtr pod, std::vector<api::ObjectPtr> nodes, Done<Advice> done) {
  auto question = std::make_shared<Question>();
  question->pod = std::move(pod);
  question->nodes = std::move(nodes);
  question->done = std::move(done);
  next_filter(question);
}

void Extenders::next_filter(const QuestionPtr& question) {
  const auto& pod = question->pod->as<api::Pod>();
  std::size_t& next = question->next;
  while (next < configs_.size() &&
         (configs_[next].filter_verb.empty() || !interested(configs_[next], pod))) {
    ++next;
  }
  if (next == configs_.size() || question->nodes.empty()) return prioritize(question);
  const ExtenderConfig& extender = configs_[next];
  question->asked = true;
  port_->post(next, extender.filter_verb,
              extender::filter_args(*question->pod, question->nodes, extender.node_cache_capable),
              [this, alive = alive_, question](Result<std::string> answer) {
                if (*alive) on_filtered(question, answer);
              });
}

void Extenders::on_filtered(const QuestionPtr& question, const Result<std::string>& answer) {
  const ExtenderConfig& extender = configs_[question->next];
  if (const Status taken = take_filter_result(*question, answer); !taken) {
    if (!extender.ignorable) {
      return question->done(Error{taken.code(), named(extender, taken.message())});
    }
    log_.warning("extender ignored",
                 {{"extender", extender.url_prefix}, {"why", taken.message()}});
  }
  ++question->next;
  next_filter(question);
}

Status Extenders::take_filter_result(Question& question, const Result<std::string>& answer) {
  if (!answer) return answer.error();
  auto result = extender::read_filter_result(*answer);
  if (!result) return result.error();
  std::set<std::string> left;
  if (result->nodes) left.insert(result->nodes->begin(), result->nodes->end());
  std::vector<api::ObjectPtr> kept, refused;
  for (const api::ObjectPtr& node : question.nodes) {
    (left.erase(node->name()) > 0 ? kept : refused).push_back(node);
  }
  if (!left.empty()) {
    return {Code::invalid, "it names the node \"" + *left.begin() + "\", which was not asked about"};
  }
  for (const api::ObjectPtr& node : refused) {
    Advice::Opinion& opinion = question.advice.nodes[words_.id(node->name())];
    if (const auto it = result->unresolvable.find(node->name()); it != result->unresolvable.end()) {
      opinion.why = it->second;
      opinion.unresolvable = true;
    } else if (const auto why = result->failed.find(node->name()); why != result->failed.end()) {
      opinion.why = why->second;
    }
    if (opinion.why.empty()) {
      opinion.why =
          "node(s) didn't satisfy extender " + configs_[question.next].url_prefix;
    }
  }
  question.nodes = std::move(kept);
  return {};
}

void Extenders::prioritize(const QuestionPtr& question) {
  for (const api::ObjectPtr& node : question->nodes) {
    question->advice.nodes[words_.id(node->name())].accepted = true;
  }
  const auto& pod = question->pod->as<api::Pod>();
  std::vector<std::size_t> asked;
  for (std::size_t i = 0; i < configs_.size(); ++i) {
    if (!configs_[i].prioritize_verb.empty() && interested(configs_[i], pod)) asked.push_back(i);
  }
  // Of one node there is nothing to choose.
  if (asked.empty() || question->nodes.size() < 2) return finish(question);
  question->asked = true;
  question->waiting = asked.size();
  for (const std::size_t i : asked) {
    port_->post(
        i, configs_[i].prioritize_verb,
        extender::filter_args(*question->pod, question->nodes, configs_[i].node_cache_capable),
        [this, alive = alive_, question, i](Result<std::string> answer) {
          if (!*alive) return;
          on_priorities(*question, i, answer);
          if (--question->waiting == 0) finish(question);
        });
  }
}

// Priorities that fail are done without. Source: prioritizeNodes of kube-scheduler.
void Extenders::on_priorities(Question& question, std::size_t extender,
                              const Result<std::string>& answer) {
  const ExtenderConfig& config = configs_[extender];
  const auto scores = answer ? extender::read_priorities(*answer) : answer.error();
  if (!scores) {
    log_.warning("extender's priorities ignored",
                 {{"extender", config.url_prefix}, {"why", scores.error().message}});
    return;
  }
  for (const auto& [node, score] : *scores) {
    const auto it = question.advice.nodes.find(words_.find(node));
    if (it != question.advice.nodes.end()) it->second.score += score * config.weight * kScale;
  }
}

void Extenders::finish(const QuestionPtr& question) {
  if (question->asked) return question->done(std::move(question->advice));
  loop_.post([alive = alive_, question] {
    if (*alive) question->done(std::move(question->advice));
  });
}

struct Extenders::PreemptionQuestion {
  api::ObjectPtr pod;
  std::string node;
  extender::Victims victims;       // as proposed
  std::vector<std::string> chosen;  // uids, as the extenders so far would have them
  Done<std::vector<std::string>> done;
  std::size_t next = 0;
};

void Extenders::ask_preemption(api::ObjectPtr pod, std::string node, extender::Victims victims,
                               Done<std::vector<std::string>> done) {
  auto question = std::make_shared<PreemptionQuestion>();
  for (const api::ObjectPtr& victim : victims.pods) question->chosen.push_back(victim->uid());
  question->pod = std::move(pod);
  question->node = std::move(node);
  question->victims = std::move(victims);
  question->done = std::move(done);
  next_preemption(question);
}

void Extenders::next_preemption(const std::shared_ptr<PreemptionQuestion>& question) {
  const auto& pod = question->pod->as<api::Pod>();
  std::size_t& next = question->next;
  while (next < configs_.size() &&
         (configs_[next].preempt_verb.empty() || !interested(configs_[next], pod))) {
    ++next;
  }
  if (next == configs_.size()) return question->done(std::move(question->chosen));
  const ExtenderConfig& extender = configs_[next];
  port_->post(next, extender.preempt_verb,
              extender::preemption_args(*question->pod, question->node, question->victims,
                                        extender.node_cache_capable),
              [this, alive = alive_, question](Result<std::string> answer) {
                if (!*alive) return;
                const ExtenderConfig& asked = configs_[question->next++];
                auto nodes = answer ? extender::read_preemption_result(*answer) : answer.error();
                if (nodes) {
                  question->chosen = std::move((*nodes)[question->node]);
                  if (question->chosen.empty()) return question->done(std::vector<std::string>());
                } else if (!asked.ignorable) {
                  return question->done(Error{nodes.code(), named(asked, nodes.error().message)});
                }
                next_preemption(question);
              });
}

void Extenders::bind(const api::Object& pod, const std::string& node,
                     Callback<void(Status)> done) {
  const std::size_t extender = binder(pod.as<api::Pod>());
  KEELSON_ASSERT(extender != kNobody);
  port_->post(extender, configs_[extender].bind_verb, extender::binding_args(pod, node),
              [this, alive = alive_, extender,
               done = std::move(done)](Result<std::string> answer) mutable {
                if (!*alive) return;
                const ExtenderConfig& config = configs_[extender];
                if (!answer) {
                  return done({answer.code() == Code::unavailable ? Code::conflict : Code::unknown,
                               named(config, answer.error().message)});
                }
                const Status bound = extender::read_binding_result(*answer);
                if (bound.ok()) return done({});
                // What says "Error" has not bound it; what cannot be read may have.
                done({bound.code() == Code::unavailable ? Code::conflict : Code::unknown,
                      named(config, bound.message())});
              });
}

}  // namespace keelson::scheduler
