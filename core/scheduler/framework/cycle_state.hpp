// What plugins remember between the extension points of one scheduling cycle. Each plugin has a
// slot for one object of a type of its own; the object outlives the cycle, so that its memory is
// reused by the next: a plugin resets it in its first point (pre_filter or pre_score).
#pragma once

#include <memory>
#include <vector>

#include "core/base/assert.hpp"
#include "core/scheduler/framework/diagnosis.hpp"

namespace keelson::scheduler {

class CycleState {
 public:
  struct Data {
    virtual ~Data() = default;
  };

  // The plugin's object, made on first use. REQUIRES: always the same T for a slot.
  template <class T>
  T& of(PluginSlot plugin) {
    if (plugin >= slots_.size()) slots_.resize(plugin + 1u);
    if (!slots_[plugin]) slots_[plugin] = std::make_unique<T>();
    return static_cast<T&>(*slots_[plugin]);
  }

  // The bits of the plugins that had nothing to say about this pod.
  void skip_filter(PluginSlot plugin) { skip_filter_ |= uint64_t{1} << plugin; }
  void skip_score(PluginSlot plugin) { skip_score_ |= uint64_t{1} << plugin; }
  bool filter_skipped(PluginSlot plugin) const { return (skip_filter_ >> plugin & 1) != 0; }
  bool score_skipped(PluginSlot plugin) const { return (skip_score_ >> plugin & 1) != 0; }
  void begin_cycle() { skip_filter_ = skip_score_ = 0; }

 private:
  std::vector<std::unique_ptr<Data>> slots_;
  uint64_t skip_filter_ = 0, skip_score_ = 0;
};

}  // namespace keelson::scheduler
