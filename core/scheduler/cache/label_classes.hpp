// Pods with equal namespace and labels form a class; the replicas of a workload are one. Selectors
// are matched against classes, once each, instead of against pods; a class knows how many of its
// pods stand on each node. A selector group collects the classes that a selector matches, so "how
// many pods of this service are on each node" costs no more than there are such nodes.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/api/selector.hpp"
#include "core/base/hash.hpp"
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
  struct TextHash {
    std::size_t operator()(const std::string& text) const { return hash_u64(hash_bytes(text)); }
  };

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
  // The classes with pods on nodes; these own a reference.
  std::map<uint64_t, LabelClassPtr> awake_;
  // Where classes and groups meet: each awake class stands under its namespace and under each of
  // its labels, each group under one place at which every class that it matches stands, so that
  // thousands of workloads in a namespace do not look at each other.
  struct Place {
    std::map<uint64_t, LabelClass*> classes;
    std::vector<std::weak_ptr<SelectorGroup>> groups;
  };
  std::vector<std::string> places_of(const LabelClass& c) const;
  static std::string place_of(const SelectorGroup& group);
  boost::unordered_flat_map<std::string, Place, TextHash> places_;
  uint64_t next_serial_ = 1;
  std::size_t sweep_at_ = 1024;
};

}  // namespace keelson::scheduler
