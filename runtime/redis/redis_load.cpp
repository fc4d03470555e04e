// Reading everything: pages of objects while others go on writing, and the log since before the
// first page, which makes one state of them.
#include <utility>

#include "core/api/kinds.hpp"
#include "runtime/redis/redis_store.hpp"

namespace keelson::redis {

using store::Revision;

void RedisStore::load(Revision from, std::string chain) {
  change(Phase::loading);
  skipped_ = true;
  snapshot_.emplace();
  snapshot_at_ = from;
  snapshot_chain_ = std::move(chain);
  read_at_ = from.value;
  target_ = UINT64_MAX;  // not known yet
  load_page(0, "0");
}

void RedisStore::load_page(std::size_t kind, const std::string& cursor) {
  if (kind == api::all_kinds().size()) return loaded();
  const api::Kind of = api::all_kinds()[kind].kind;
  step(call_of(options_.prefix, "keelson_page", {kind_name(of), cursor, page_.count()}, true),
       [this, kind, of](const Reply& reply) {
         if (reply.items.size() != 2) return fail("a page of its objects cannot be read");
         const std::vector<Reply>& items = reply.items[1].items;
         page_.took(reply, items.size() / 3);
         for (std::size_t i = 0; i + 2 < items.size(); i += 3) {
           auto object = read_object(of, items[i + 2].text,
                                     {snapshot_at_.epoch, number_of(items[i + 1].text)});
           if (!object) return fail(object.error().message);
           snapshot_->put(std::move(*object));
         }
         const std::string next(reply.at(0));
         next == "0" ? load_page(kind + 1, "0") : load_page(kind, next);
       });
}

void RedisStore::loaded() {
  step(call_of(options_.prefix, "keelson_revision", {}, true), [this](const Reply& reply) {
    if (reply.number(0) != snapshot_at_.epoch)
      return fail("it began another epoch while it was read");
    target_ = reply.number(1);
    beats_ = store::BeatBoard();
    // What the pages say, too, may not be shown before replicas have it.
    replicated([this] {
      read_log();
      followed();
    });
  });
}

void RedisStore::take_snapshot() {
  history_.restart(snapshot_at_, snapshot_->take());
  snapshot_.reset();
  chain_ = std::move(snapshot_chain_);
  for (const api::Beat& beat : beats_.since(0).beats) {
    if (!history_.find({api::Kind::nodes, "", beat.node})) beats_.forget(beat.node);
  }
}

}  // namespace keelson::redis
