#include "runtime/network/nft_table.hpp"

#include <algorithm>
#include <cstdio>

#include "core/base/hash.hpp"

namespace keelson::network {
namespace {

// Between repairs of what somebody else keeps destroying.
constexpr Duration kRepairPause = 1s;
// After a refusal, twice as long after each further one.
constexpr Duration kRetryPauseMin = 1s, kRetryPauseMax = 60s;

std::string element_text(const std::string& key, const std::string& value) {
  return value.empty() ? key : key + " : " + value;
}

// "add element inet t set { a, b }" in lines of bounded length.
class ElementLines {
 public:
  ElementLines(std::string& script, std::string verb) : script_(script), verb_(std::move(verb)) {}
  ~ElementLines() { close(); }
  void add(const std::string& set, const std::string& text) {
    if (set != set_ || ++count_ > kPerLine) {
      close();
      script_ += verb_ + " " + set + " { ";
      set_ = set;
      count_ = 1;
    } else {
      script_ += ", ";
    }
    script_ += text;
  }

 private:
  static constexpr int kPerLine = 500;
  void close() {
    if (!set_.empty()) script_ += " }\n";
    set_.clear();
  }
  std::string& script_;
  std::string verb_, set_;
  int count_ = 0;
};

}  // namespace

std::string nft_name(const std::string& ns, const std::string& name) {
  constexpr std::size_t kWhole = 140, kKept = 120;
  std::string result = ns + "/" + name;
  const bool odd = std::any_of(result.begin(), result.end(), [](char c) {
    return !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '/';
  });
  if (odd) result.clear();  // no API server lets such a name in
  if (!odd && result.size() <= kWhole) return result;
  char hash[24];
  std::snprintf(hash, sizeof hash, "/%016llx",
                static_cast<unsigned long long>(hash_bytes(name, hash_bytes(ns))));
  return result.substr(0, kKept) + hash;
}

NftTable::NftTable(runtime::AsioLoop& loop, Log& log, std::string name, std::string skeleton)
    : loop_(loop),
      log_(log),
      name_(std::move(name)),
      skeleton_(std::move(skeleton)),
      watch_(loop, name_, [this] { on_foreign_change(); }),
      retry_pause_(kRetryPauseMin),
      commit_timer_(loop, [this] { (void)commit(); }) {}

Status NftTable::start() { return watch_.start(); }

// --- What is wanted ------------------------------------------------------------------------------

void NftTable::claim(const Key& key, const std::string& owner, const std::string& value) {
  Element& element = elements_[key];
  element.claims.emplace_back(owner, value);
  changed_elements_.insert(key);
}

void NftTable::unclaim(const Key& key, const std::string& owner) {
  std::erase_if(elements_[key].claims, [&](const auto& one) { return one.first == owner; });
  changed_elements_.insert(key);
}

void NftTable::put(const std::string& owner, NftPart part) {
  NftPart before;
  if (const auto known = parts_.find(owner); known != parts_.end()) {
    before = std::move(known->second);
    parts_.erase(known);
  }
  const bool empty = part.chains.empty() && part.sets.empty() && part.elements.empty();
  const NftPart none;
  const NftPart& now = empty ? none : (parts_[owner] = std::move(part));

  for (const auto& [chain, rules] : before.chains) {
    if (now.chains.contains(chain)) continue;
    chains_.erase(chain);
    changed_chains_.erase(chain);
    gone_chains_.insert(chain);
  }
  for (const auto& [chain, rules] : now.chains) {
    chains_[chain] = &rules;
    gone_chains_.erase(chain);
    const auto old = before.chains.find(chain);
    if (old == before.chains.end() || old->second != rules) changed_chains_.insert(chain);
  }
  for (const auto& [set, declaration] : before.sets) {
    if (now.sets.contains(set)) continue;
    sets_.erase(set);
    gone_sets_.insert(set);
  }
  for (const auto& [set, declaration] : now.sets) {
    // A set cannot be declared anew under rules that use it.
    const auto old = before.sets.find(set);
    if (old != before.sets.end() && old->second != declaration) whole_needed_ = true;
    if (old == before.sets.end()) new_sets_.insert(set);
    gone_sets_.erase(set);
    sets_[set] = declaration;
  }
  for (const auto& [set, wanted] : before.elements) {
    const auto kept = now.elements.find(set);
    for (const auto& [key, value] : wanted) {
      const bool same = kept != now.elements.end() && kept->second.contains(key) &&
                        kept->second.at(key) == value;
      if (!same) unclaim({set, key}, owner);
    }
  }
  for (const auto& [set, wanted] : now.elements) {
    const auto old = before.elements.find(set);
    for (const auto& [key, value] : wanted) {
      const bool same = old != before.elements.end() && old->second.contains(key) &&
                        old->second.at(key) == value;
      if (!same) claim({set, key}, owner, value);
    }
  }
}

// --- Towards the kernel --------------------------------------------------------------------------

std::string NftTable::difference() {
  const std::string in = "inet " + name_ + " ";
  std::string script;
  for (const std::string& set : new_sets_) {
    if (sets_.contains(set)) script += "add set " + in + set + " { " + sets_[set] + " }\n";
  }
  for (const std::string& chain : changed_chains_) script += "add chain " + in + chain + "\n";
  for (const std::string& chain : changed_chains_) {
    script += "flush chain " + in + chain + "\n";
    for (const std::string& rule : *chains_.at(chain)) {
      script += "add rule " + in + chain + " " + rule + "\n";
    }
  }
  std::vector<std::pair<Key, std::string>> added;
  {
    ElementLines lines(script, "delete element inet " + name_);
    for (const Key& key : changed_elements_) {
      const Element& element = elements_.at(key);
      const bool wanted = !element.claims.empty();
      if (wanted && element.applied && element.applied_value == element.claims.front().second) {
        continue;
      }
      if (element.applied) lines.add(key.first, key.second);
      if (wanted) added.emplace_back(key, element.claims.front().second);
    }
  }
  ElementLines lines(script, "add element inet " + name_);
  for (const auto& [key, value] : added) lines.add(key.first, element_text(key.second, value));
  return script;
}

std::string NftTable::whole() const {
  const std::string in = "inet " + name_;
  std::string script = "add table " + in + "\ndelete table " + in + "\n";
  script += "table " + in + " {\n";
  for (const auto& [set, declaration] : sets_) script += "set " + set + " { " + declaration + " }\n";
  script += skeleton_;
  for (const auto& [chain, rules] : chains_) {
    script += "chain " + chain + " {\n";
    for (const std::string& rule : *rules) script += rule + "\n";
    script += "}\n";
  }
  script += "}\n";
  ElementLines lines(script, "add element " + in);
  for (const auto& [key, element] : elements_) {
    if (element.claims.empty()) continue;
    lines.add(key.first, element_text(key.second, element.claims.front().second));
  }
  return script;
}

void NftTable::applied() {
  changed_chains_.clear();
  new_sets_.clear();
  changed_elements_.clear();
  ++commits_;
}

Status NftTable::apply_difference() {
  const std::string script = difference();
  if (!script.empty()) {
    watch_.before_own();
    const Status done = nft_.run(script);
    watch_.after_own(done.ok());
    if (!done.ok()) return done;
    for (const Key& key : changed_elements_) {
      const auto at = elements_.find(key);
      if (at->second.claims.empty()) {
        elements_.erase(at);
      } else {
        at->second.applied = true;
        at->second.applied_value = at->second.claims.front().second;
      }
    }
    applied();
  }
  sweep();
  return {};
}

Status NftTable::rebuild() {
  watch_.before_own();
  const Status done = nft_.run(whole());
  watch_.after_own(done.ok());
  if (!done.ok()) return done;
  ++rebuilds_;
  last_rebuild_ = loop_.now();
  std::erase_if(elements_, [](const auto& one) { return one.second.claims.empty(); });
  for (auto& [key, element] : elements_) {
    element.applied = true;
    element.applied_value = element.claims.front().second;
  }
  gone_chains_.clear();
  gone_sets_.clear();
  whole_needed_ = false;
  applied();
  return {};
}

void NftTable::sweep() {
  if (gone_chains_.empty() && gone_sets_.empty()) return;
  const std::string in = "inet " + name_ + " ";
  std::string script;
  for (const std::string& chain : gone_chains_) script += "flush chain " + in + chain + "\n";
  for (const std::string& chain : gone_chains_) script += "delete chain " + in + chain + "\n";
  for (const std::string& set : gone_sets_) script += "delete set " + in + set + "\n";
  watch_.before_own();
  const Status done = nft_.run(script);
  watch_.after_own(done.ok());
  if (!done.ok()) {
    log_.warning("nft_sweep_failed", {{"table", name_}, {"why", done.message()}});
    whole_needed_ = true;
    commit_timer_.arm_by(kRepairPause);
  }
  gone_chains_.clear();
  gone_sets_.clear();
}

Status NftTable::commit() {
  Status done;
  if (!whole_needed_) {
    done = apply_difference();
    if (!done.ok()) {
      // What the kernel has is not what was thought; nothing of it has been applied.
      log_.warning("nft_change_refused", {{"table", name_}, {"why", done.message()}});
      whole_needed_ = true;
    }
  }
  if (whole_needed_) done = rebuild();
  if (!done.ok()) {
    log_.error("nft_table_refused", {{"table", name_}, {"why", done.message()}});
    commit_timer_.arm_by(retry_pause_);
    retry_pause_ = std::min(retry_pause_ * 2, kRetryPauseMax);
    return done;
  }
  retry_pause_ = kRetryPauseMin;
  if (on_committed_) on_committed_();
  return done;
}

bool NftTable::changed() const {
  return whole_needed_ || !changed_chains_.empty() || !gone_chains_.empty() || !new_sets_.empty() ||
         !gone_sets_.empty() || !changed_elements_.empty();
}

void NftTable::commit_soon() { commit_timer_.arm_by(Duration::zero()); }

void NftTable::on_foreign_change() {
  if (commits_ == 0) return;  // not yet ours
  log_.warning("nft_table_changed_by_others", {{"table", name_}});
  const bool waiting = whole_needed_;
  whole_needed_ = true;
  if (waiting) return;
  const Duration since = loop_.now() - last_rebuild_;
  commit_timer_.arm_by(since >= kRepairPause ? Duration::zero() : kRepairPause - since);
}

Status NftTable::erase() {
  const std::string in = "inet " + name_;
  watch_.before_own();
  const Status done = nft_.run("add table " + in + "\ndelete table " + in + "\n");
  watch_.after_own(done.ok());
  whole_needed_ = true;
  commits_ = 0;
  commit_timer_.disarm();
  return done;
}

}  // namespace keelson::network
