#include "sim/lab/readers/collector.hpp"

#include <algorithm>

namespace keelson::lab {

bool Collector::wants(Duration at) const {
  if (at < window_.from) return false;
  if (window_.length && at - window_.from >= *window_.length) return false;
  return window_.limit == 0 || entries_.size() < window_.limit || at < entries_.front().at;
}

void Collector::add(Duration at, std::optional<Duration> runs_for, PodShape pod) {
  if (!wants(at)) return;
  entries_.push_back({at, added_++, runs_for, std::move(pod)});
  if (window_.limit == 0) return;
  std::push_heap(entries_.begin(), entries_.end());
  if (entries_.size() <= window_.limit) return;
  std::pop_heap(entries_.begin(), entries_.end());
  entries_.pop_back();
}

std::vector<Arrival> Collector::finish() {
  std::sort(entries_.begin(), entries_.end());
  std::vector<Arrival> arrivals;
  arrivals.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    arrivals.push_back({pod_object(entry.pod), entry.at - window_.from, entry.runs_for});
  }
  entries_.clear();
  return arrivals;
}

}  // namespace keelson::lab
