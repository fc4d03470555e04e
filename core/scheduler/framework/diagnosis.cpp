#include "core/scheduler/framework/diagnosis.hpp"

#include <algorithm>

namespace keelson::scheduler {

uint32_t Causes::number(Cause cause) {
  const auto [it, fresh] = numbers_.try_emplace(cause, static_cast<uint32_t>(list_.size()));
  if (fresh) list_.push_back(std::move(cause));
  return it->second;
}

void Diagnosis::reset(std::size_t node_count, std::size_t slots) {
  // A cycle of a large cluster meets the same few reasons again and again; but reasons carry taint
  // values, so the table must not grow without end.
  if (reasons_.size() > 64) reasons_.clear();
  for (Reason& r : reasons_) r.nodes = 0;
  unresolvable_.clear();
  if (unresolvable_.slots() != slots) unresolvable_.resize(slots);
  pre_filter_.clear();
  post_filter_.clear();
  node_count_ = node_count;
  rejectors_ = 0;
  plugin_ = 0;
}

Diagnosis::ReasonIndex Diagnosis::reason(std::string_view text) {
  for (ReasonIndex i = 0; i < reasons_.size(); ++i) {
    if (reasons_[i].text == text) return i;
  }
  reasons_.push_back({std::string(text), 0});
  return static_cast<ReasonIndex>(reasons_.size() - 1);
}

void Diagnosis::pre_filter_failed(PluginSlot plugin, std::string message) {
  pre_filter_ = std::move(message);
  rejectors_ |= uint64_t{1} << plugin;
}

uint32_t Diagnosis::nodes_for(std::string_view reason) const {
  for (const Reason& r : reasons_) {
    if (r.text == reason) return r.nodes;
  }
  return 0;
}

std::vector<std::string> Diagnosis::reasons() const {
  std::vector<std::string> texts;
  for (const Reason& r : reasons_) {
    if (r.nodes > 0) texts.push_back(r.text);
  }
  return texts;
}

Cause Diagnosis::cause(NodeIndex node) const {
  return {reasons(), rejectors_, unresolvable_.test(node)};
}

void Diagnosis::add(const Cause& cause, uint32_t nodes) {
  for (const std::string& text : cause.reasons) reasons_[reason(text)].nodes += nodes;
  rejectors_ |= cause.rejectors;
}

std::string Diagnosis::message() const {
  if (node_count_ == 0) return "no nodes available to schedule pods";
  std::string text = "0/" + std::to_string(node_count_) + " nodes are available:";
  if (!pre_filter_.empty()) {
    text += ' ' + pre_filter_ + '.';
  } else {
    // Kubernetes sorts the finished strings, numbers and all.
    std::vector<std::string> lines;
    for (const Reason& r : reasons_) {
      if (r.nodes > 0) lines.push_back(std::to_string(r.nodes) + ' ' + r.text);
    }
    std::sort(lines.begin(), lines.end());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      text += i == 0 ? " " : ", ";
      text += lines[i];
    }
    if (!lines.empty()) text += '.';
  }
  if (!post_filter_.empty()) text += ' ' + post_filter_;
  return text;
}

}  // namespace keelson::scheduler
