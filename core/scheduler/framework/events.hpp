// What can happen in a cluster that may let a pod be scheduled which could not be before. Every
// plugin names the events that can undo its rejection; the queue wakes a pod only for those of the
// plugins that rejected it. Source: KEP-4247 (queueing hints), kube-scheduler's EventsToRegister.
#pragma once

#include <cstdint>

namespace keelson::scheduler {

class EventMask {
 public:
  constexpr EventMask() = default;
  static constexpr EventMask all() { return EventMask(~uint32_t{0}); }
  static constexpr EventMask none() { return {}; }

  static constexpr int kCount = 14;
  static constexpr EventMask bit(int index) { return EventMask(uint32_t{1} << index); }

  constexpr bool empty() const { return bits_ == 0; }
  constexpr uint32_t bits() const { return bits_; }
  constexpr bool intersects(EventMask other) const { return (bits_ & other.bits_) != 0; }
  constexpr EventMask operator|(EventMask other) const { return EventMask(bits_ | other.bits_); }
  constexpr EventMask& operator|=(EventMask other) {
    bits_ |= other.bits_;
    return *this;
  }
  friend constexpr bool operator==(EventMask, EventMask) = default;

 private:
  constexpr explicit EventMask(uint32_t bits) : bits_(bits) {}
  uint32_t bits_ = 0;
};

namespace events {
inline constexpr EventMask node_added = EventMask::bit(0);
inline constexpr EventMask node_allocatable = EventMask::bit(1);
inline constexpr EventMask node_labels = EventMask::bit(2);
inline constexpr EventMask node_taints = EventMask::bit(3);         // incl. readiness
inline constexpr EventMask node_unschedulable = EventMask::bit(4);  // cordoned or uncordoned
inline constexpr EventMask node_images = EventMask::bit(5);
// A pod took up its place on a node, left it (or its assumption or nomination ended), changed
// labels.
inline constexpr EventMask pod_added = EventMask::bit(6);
inline constexpr EventMask pod_removed = EventMask::bit(7);
inline constexpr EventMask pod_labels = EventMask::bit(8);
inline constexpr EventMask workload_changed = EventMask::bit(9);  // services, replica sets
inline constexpr EventMask budget_changed = EventMask::bit(10);   // disruption budgets
inline constexpr EventMask node_removed = EventMask::bit(11);
inline constexpr EventMask namespace_labels = EventMask::bit(12);
inline constexpr EventMask group_member = EventMask::bit(13);  // a pod joined a group of pods
// Everything that a change of the node object alone can bring about.
inline constexpr EventMask any_node =
    node_added | node_allocatable | node_labels | node_taints | node_unschedulable;
}  // namespace events

}  // namespace keelson::scheduler
