// Pods with equal namespace and labels form a class; the replicas of a workload are one. Selectors
// are matched against classes, once each, instead of against pods; a class knows how many of its
// pods stand on each node. A selector group collects the classes that a selector matches, and a
// class the groups that match it, so that counts which hang on a group (see topology_index.hpp)
// follow each pod event without any selector being looked at.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/api/selector.hpp"
#include "core/base/hash.hpp"
#include "core/scheduler/cache/vocabulary.hpp"

namespace keelson::scheduler {

struct LabelClass;
struct SelectorGroup;
struct TopologyCount;
struct TermHolders;
using LabelClassPtr = std::shared_ptr<LabelClass>;
using SelectorGroupPtr = std::shared_ptr<SelectorGroup>;

// The namespaces that are named, and those whose labels are selected.
struct NamespaceScope {
  std::vector<std::string> names;  // sorted
  std::optional<api::LabelSelectorMatcher> selector;

  static NamespaceScope only(std::string ns) { return {{std::move(ns)}, std::nullopt}; }
};

struct PodTerm {
  NamespaceScope namespaces;
  api::LabelSelectorMatcher labels;
};

// By node name; counts > 0. Summed up only: the order does not show.
using PodsOnNodes = boost::unordered_flat_map<NameId, int32_t>;

struct LabelClass {
  uint64_t serial = 0;  // order of creation
  std::string ns;
  api::Labels labels;
  PodsOnNodes on_nodes;  // those that stay
  PodsOnNodes leaving;   // those that are being deleted
  std::vector<SelectorGroup*> groups;  // all that match it, by serial

  bool in(const SelectorGroup* group) const;

  // What the default spreading found for pods of this class (see WorkloadDirectory); valid while
  // the directory's version and the owner are the same.
  SelectorGroupPtr spread_group;
  uint64_t spread_version = 0;
  std::string spread_owner;
};

struct SelectorGroup {
  uint64_t serial = 0;
  std::vector<PodTerm> terms;        // all must match
  std::vector<LabelClass*> classes;  // all that it matches, by serial
  uint64_t version = 1;              // rises when classes joined or left that may have pods already
  // What hangs on the group; of TopologyIndex.
  std::vector<TopologyCount*> counts;
  std::vector<TermHolders*> holders;
};

class LabelClasses {
  struct TextHash {
    std::size_t operator()(const std::string& text) const { return hash_u64(hash_bytes(text)); }
  };

 public:
  // The class for these labels.
  LabelClassPtr intern(const std::string& ns, const api::Labels& labels);
  // The group of pods that all terms match. REQUIRES: at least one term.
  SelectorGroupPtr group(std::vector<PodTerm> terms);
  // The group of pods in the namespace that all selectors match.
  SelectorGroupPtr group(const std::string& ns, std::vector<api::LabelSelectorMatcher> selectors);

  // A namespace whose labels are not known has none. Answers whether any group's members changed.
  // `labels` null: the namespace is gone.
  bool set_namespace(const std::string& name, const api::Labels* labels);

  void add_pod(LabelClass& c, NameId node, bool leaving);
  void remove_pod(LabelClass& c, NameId node, bool leaving);

  std::size_t class_count() const { return classes_.size(); }
  std::size_t group_count() const { return groups_.size(); }

 private:
  bool matches(const SelectorGroup& group, const LabelClass& c) const;
  bool matches(const NamespaceScope& scope, const std::string& ns) const;
  std::vector<std::string> places_of(const LabelClass& c) const;
  static std::string place_of(const SelectorGroup& group);
  void join(LabelClass& c);
  bool rejoin(SelectorGroup& group);
  void sweep();

  // Keys are namespace and labels (or terms) written out: unambiguous, because none of them may
  // contain a control character. What nobody else refers to is swept out now and then.
  std::map<std::string, LabelClassPtr> classes_;
  std::map<std::string, SelectorGroupPtr> groups_;
  std::map<std::string, api::Labels> namespaces_;
  // Where classes and groups meet: each class stands under its namespace and under each of its
  // labels, once for groups of that namespace and once for those of several; each group under one
  // place at which every class that it matches stands. So thousands of workloads in a namespace do
  // not look at each other.
  struct Place {
    std::map<uint64_t, LabelClass*> classes;
    std::vector<SelectorGroup*> groups;
  };
  boost::unordered_flat_map<std::string, Place, TextHash> places_;
  uint64_t next_serial_ = 1;
  std::size_t sweep_at_ = 1024;
};

}  // namespace keelson::scheduler
