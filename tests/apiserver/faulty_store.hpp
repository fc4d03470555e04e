// A store between the server and the MemoryStore that loses answers, is away, or lags, as told.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "core/base/loop.hpp"
#include "core/store/store.hpp"

namespace keelson::test {

class FaultyStore final : public store::Store {
 public:
  // delayed: no answer, and the request arrives later than whatever is asked meanwhile, but before
  // the next commit.
  enum class Commits { work, reply_lost, request_lost, delayed, unavailable };

  FaultyStore(store::Store& inner, Loop& loop) : inner_(inner), loop_(loop) {}

  Commits commits = Commits::work;
  int faulty_commits = 1'000'000;  // how many more commits fail in that way
  Commits after_fault = Commits::work;  // and what becomes of those that come then
  bool reads_work = true;
  std::function<void()> before_commit;  // once: what another server does in between
  bool hold_events = false;             // watches bring nothing until release()
  int committed = 0;
  int barriers = 0;
  int lost_barriers = 0;  // so many of the next get no answer; their caller gives up after 5 s

  void release() {
    hold_events = false;
    for (auto& [id, relay] : relays_) relay->flush();
  }

  void get(const api::ObjectKey& key, Done<api::ObjectPtr> done) override {
    inner_.get(key, std::move(done));
  }
  void list(const store::ListQuery& query, Done<store::ListPage> done) override {
    inner_.list(query, std::move(done));
  }
  void commit(store::Transaction transaction, Done<store::Committed> done) override {
    if (before_commit) std::exchange(before_commit, nullptr)();
    ++committed;
    for (store::Transaction& late : std::exchange(on_their_way_, {})) {
      inner_.commit(std::move(late), [](Result<store::Committed>) {});
    }
    const Commits mode = faulty_commits > 0 ? commits : after_fault;
    if (faulty_commits > 0 && mode != Commits::work) --faulty_commits;
    switch (mode) {
      case Commits::work: inner_.commit(std::move(transaction), std::move(done)); return;
      case Commits::reply_lost:
        inner_.commit(std::move(transaction),
                      [done = std::move(done)](Result<store::Committed>) mutable {
                        done({Code::unknown, "no answer"});
                      });
        return;
      case Commits::delayed:
        on_their_way_.push_back(std::move(transaction));
        fail(std::move(done), Code::unknown);
        return;
      case Commits::request_lost: fail(std::move(done), Code::unknown); return;
      case Commits::unavailable: fail(std::move(done), Code::unavailable); return;
    }
  }
  void current_revision(Done<api::Revision> done) override {
    ++barriers;
    if (lost_barriers > 0) {
      --lost_barriers;
      loop_.timer_arm(loop_.timer_create([done = std::move(done)]() mutable {
                        done({Code::unknown, "no answer"});
                      }),
                      5s);
      return;
    }
    if (reads_work) {
      inner_.current_revision(std::move(done));
    } else {
      fail(std::move(done), Code::unavailable);
    }
  }
  store::WatchId watch(api::Revision after, store::WatchSink& sink) override {
    auto relay = std::make_unique<Relay>(*this, sink);
    const store::WatchId id = inner_.watch(after, *relay);
    relays_[id.id] = std::move(relay);
    return id;
  }
  void unwatch(store::WatchId watch) override {
    inner_.unwatch(watch);
    const auto found = relays_.find(watch.id);
    if (found == relays_.end()) return;
    found->second->cut();
    retired_.push_back(std::move(found->second));
    relays_.erase(found);
  }
  // Ends all watches as a broken connection would.
  void break_watches() {
    for (auto& [id, relay] : std::exchange(relays_, {})) {
      inner_.unwatch({id});
      relay->on_closed({Code::unavailable, "connection lost"});
      retired_.push_back(std::move(relay));
    }
  }
  void compact(api::Revision revision, Done<Unit> done) override {
    inner_.compact(revision, std::move(done));
  }
  void beat(std::vector<api::Beat> beats, Done<Unit> done) override {
    ++beat_calls;
    inner_.beat(std::move(beats), std::move(done));
  }
  void beats_since(uint64_t cursor, Done<store::BeatPage> done) override {
    inner_.beats_since(cursor, std::move(done));
  }
  int beat_calls = 0;

 private:
  class Relay final : public store::WatchSink {
   public:
    Relay(FaultyStore& owner, store::WatchSink& sink) : owner_(owner), sink_(&sink) {}
    void on_events(std::span<const store::StoreEvent> events) override {
      held_.insert(held_.end(), events.begin(), events.end());
      if (!owner_.hold_events) flush();
    }
    void on_closed(Error why) override {
      if (sink_) std::exchange(sink_, nullptr)->on_closed(std::move(why));
    }
    void flush() {
      const auto events = std::exchange(held_, {});
      if (sink_ && !events.empty()) sink_->on_events(events);
    }
    void cut() { sink_ = nullptr; }

   private:
    FaultyStore& owner_;
    store::WatchSink* sink_;
    std::vector<store::StoreEvent> held_;
  };

  template <class T>
  void fail(Done<T> done, Code code) {
    loop_.post([done = std::move(done), code]() mutable { done({code, "told to fail"}); });
  }

  store::Store& inner_;
  Loop& loop_;
  std::map<uint64_t, std::unique_ptr<Relay>> relays_;
  std::vector<std::unique_ptr<Relay>> retired_;
  std::vector<store::Transaction> on_their_way_;
};

}  // namespace keelson::test
