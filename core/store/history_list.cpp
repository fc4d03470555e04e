// Lists at a snapshot: the present state with the changes since the snapshot taken back.
#include <map>
#include <utility>

#include "core/store/history.hpp"

namespace keelson::store {
namespace {

// Walks two ordered maps of key -> object as one. Where both have a key the overlay's object
// counts; a null object means that there is none.
class Merged {
 public:
  using Map = api::ObjectMap;
  Merged(const Map& base, const Map& overlay, const api::Name& from, bool after) {
    base_ = after ? base.upper_bound(from) : base.lower_bound(from);
    base_end_ = base.end();
    overlay_ = after ? overlay.upper_bound(from) : overlay.lower_bound(from);
    overlay_end_ = overlay.end();
    find_object();
  }
  bool done() const { return !current_; }
  const api::Name& key() const { return current_->first; }
  const ObjectPtr& object() const { return current_->second; }
  void next() {
    step();
    find_object();
  }

 private:
  using Iterator = Map::const_iterator;
  bool overlay_first() const {
    return base_ == base_end_ || (overlay_ != overlay_end_ && overlay_->first <= base_->first);
  }
  void step() {
    if (!overlay_first()) {
      ++base_;
      return;
    }
    if (base_ != base_end_ && base_->first == overlay_->first) ++base_;
    ++overlay_;
  }
  void find_object() {
    for (;; step()) {
      if (base_ == base_end_ && overlay_ == overlay_end_) {
        current_ = nullptr;
        return;
      }
      current_ = overlay_first() ? &*overlay_ : &*base_;
      if (current_->second) return;
    }
  }
  Iterator base_, base_end_, overlay_, overlay_end_;
  const Map::value_type* current_ = nullptr;
};

}  // namespace

Result<ListPage> History::list(const ListQuery& query) const {
  const Revision at = query.at.value_or(current_);
  if (at < compacted_) {
    return {Code::compacted, "the snapshot at revision " + to_string(at) + " has been compacted"};
  }
  if (at > current_) {
    return {Code::unavailable,
            "revision " + to_string(at) + " has not been reached, only " + to_string(current_)};
  }
  // Newest to oldest, so that what stood before the oldest change since the snapshot wins. Only
  // changes of this kind are visited.
  api::ObjectMap undone;
  for (uint64_t v = log_.last_of_kind(query.kind); v > at.value; v = log_.before_of_same_kind(v)) {
    const StoreEvent& event = log_.at(v);
    const api::Object& object = object_of(event);
    if (!query.ns.empty() && object.ns() != query.ns) continue;
    undone[{object.ns(), object.name()}] = event.previous;
  }

  api::Name from{query.ns, ""};
  const bool resume = !query.start_after.empty();
  if (resume) {
    const auto slash = query.start_after.find('/');
    if (slash == std::string::npos) {
      return {Code::invalid, "the continue position must be \"namespace/name\""};
    }
    from = {query.start_after.substr(0, slash), query.start_after.substr(slash + 1)};
    if (!query.ns.empty() && from.ns != query.ns) {
      return {Code::invalid, "the continue position is in another namespace than the list"};
    }
  }
  ListPage page;
  page.revision = at;
  Merged merged(table(query.kind).ordered(), undone, from, resume);
  for (; !merged.done(); merged.next()) {
    if (!query.ns.empty() && merged.key().ns != query.ns) break;
    if (query.limit > 0 && static_cast<int64_t>(page.objects.size()) == query.limit) {
      ++page.remaining;
      continue;
    }
    page.objects.push_back(merged.object());
  }
  page.more = page.remaining > 0;
  if (!page.objects.empty())
    page.last = page.objects.back()->ns() + '/' + page.objects.back()->name();
  return page;
}

}  // namespace keelson::store
