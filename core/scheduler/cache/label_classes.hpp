// Pods with equal namespace and labels form a class; the replicas of a workload are one. Selectors
// are matched against classes, once each, instead of against pods; a class knows how many of its
// pods stand on each node. A selector group collects the classes that a selector matches, so "how
// many pods of this service are on each node" costs no more than there are such nodes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/api/selector.hpp"
#include "core/scheduler/cache/vocabulary.hpp"

namespace keelson::scheduler {

struct LabelClass;
struct SelectorGroup;
using LabelClassPtr = std::shared_ptr<LabelClass>;
using SelectorGroupPtr = std::shared_ptr<SelectorGroup>;

struct LabelClass {
  uint64_t serial = 0;  // order of creation
  std::string ns;
  api::Labels labels;
  // Pods per node (by name), sorted; terminating pods do not count. Empty: the class is dormant.
  std::vector<std::pair<NameId, int32_t>> on_nodes;

  // What the default spreading found for pods of this class (see WorkloadDirectory); valid while
  // the directory's version and the owner are the same.
  SelectorGroupPtr spread_group;
  uint64_t spread_version = 0;
  std::string spread_owner;
};

struct SelectorGroup {
  std::string ns;
  // All must match.
  std::vector<api::LabelSelectorMatcher> selectors;
  std::vector<LabelClass*> classes;  // those with pods on nodes, sorted by serial
  bool matches(const LabelClass& c) const;
};

class LabelClasses {
 public:
  // The class for these labels.
  LabelClassPtr intern(const std::string& ns, const api::Labels& labels);
  // The group of pods in the namespace that all selectors match.
  SelectorGroupPtr group(const std::string& ns, std::vector<api::LabelSelectorMatcher> selectors);

  void add_pod(const LabelClassPtr& c, NameId node);
  void remove_pod(const LabelClassPtr& c, NameId node);

  std::size_t class_count() const { return classes_.size(); }
  std::size_t group_count() const { return groups_.size(); }

 private:
  void awake(const LabelClassPtr& c);
  void asleep(LabelClass& c);
  void sweep();

  // Keys are namespace and labels (or selectors) written out: unambiguous, because none of them may
  // contain a control character.
  std::map<std::string, std::weak_ptr<LabelClass>> classes_;
  std::map<std::string, std::weak_ptr<SelectorGroup>> groups_;
  // The classes with pods on nodes, by namespace; these own a reference.
  std::map<std::string, std::map<uint64_t, LabelClassPtr>> awake_;
  // Living groups by namespace, to attach a class that awakes.
  std::map<std::string, std::vector<std::weak_ptr<SelectorGroup>>> groups_of_;
  uint64_t next_serial_ = 1;
  std::size_t sweep_at_ = 1024;
};

}  // namespace keelson::scheduler
