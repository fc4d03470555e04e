// The disruption budgets of a dump, as evictions see them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/api/selector.hpp"
#include "sim/lab/whatif.hpp"

namespace keelson::lab {

class Budgets {
 public:
  // What a budget allows is what its status says; where no controller has written that, what its spec
  // says of the pods that are bound.
  explicit Budgets(const Workload& dump);

  // May the pod be evicted now? If so it counts until returned(); else it is noted that it waits.
  bool evict(const api::Object& pod);
  // It could not be evicted to the end.
  void blocked(const api::Object& pod);
  // A pod that was evicted or lost runs again somewhere; and not after all.
  void returned(const api::Object& pod);
  void left_again(const api::Object& pod);
  // The pod went with its node, whatever its budgets say.
  void lost(const api::Object& pod);

  // Those that were asked.
  std::vector<BudgetUse> uses() const;
  // Those that lost pods and have fewer than they want, whatever came after.
  std::vector<BudgetBreach> broken() const;

 private:
  struct Entry {
    api::LabelSelectorMatcher selector;
    int64_t left = 0;
    bool asked = false;
    std::map<std::string, bool> waiting;  // pods whose eviction was refused once
    BudgetUse use;
    BudgetBreach breach;  // as it is, whether it is one or not
  };
  std::vector<Entry*> of(const api::Object& pod);

  std::vector<Entry> entries_;
};

}  // namespace keelson::lab
