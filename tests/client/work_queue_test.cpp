#include "core/client/work_queue.hpp"

#include <gtest/gtest.h>

#include "tests/support/manual_loop.hpp"

namespace keelson::client {
namespace {

api::ObjectKey key(const std::string& name) {
  return {api::Kind::pods, "n", name};
}

class WorkQueueTest : public testing::Test {
 protected:
  // Takes all that is due; each is done before the next is taken.
  std::string drain() {
    std::string taken;
    for (api::ObjectKey k; queue_->take(&k);) {
      taken += k.name;
      queue_->done(k);
    }
    return taken;
  }
  std::string take() {
    api::ObjectKey k;
    return queue_->take(&k) ? k.name : "";
  }
  test::ManualLoop loop_;
  int ready_ = 0;
  std::unique_ptr<WorkQueue> queue_ =
      std::make_unique<WorkQueue>(loop_, WorkQueueOptions{}, [this] { ++ready_; });
};

TEST_F(WorkQueueTest, KeysComeOutOnceInOrder) {
  for (const char* name : {"a", "b", "a", "c", "b"}) queue_->add(key(name));
  EXPECT_EQ(ready_, 0) << "not from inside add()";
  EXPECT_EQ(queue_->waiting(), 3u);
  loop_.settle();
  EXPECT_EQ(ready_, 1);
  EXPECT_EQ(drain(), "abc");
  loop_.settle();
  EXPECT_EQ(ready_, 1);
  queue_->add(key("a"));
  loop_.settle();
  EXPECT_EQ(ready_, 2);
}

TEST_F(WorkQueueTest, AKeyIsNeverWorkedOnTwiceAtOnce) {
  queue_->add(key("a"));
  EXPECT_EQ(take(), "a");
  queue_->add(key("a"));
  queue_->add(key("a"));
  queue_->add(key("b"));
  EXPECT_EQ(take(), "b");
  EXPECT_EQ(take(), "");
  queue_->done(key("a"));
  EXPECT_EQ(take(), "a") << "what was added meanwhile runs once more";
  queue_->done(key("a"));
  queue_->done(key("b"));
  EXPECT_EQ(take(), "");
}

TEST_F(WorkQueueTest, AWorkerThatTakesOneAtATimeIsCalledAgain) {
  queue_->add(key("a"));
  queue_->add(key("b"));
  loop_.settle();
  EXPECT_EQ(ready_, 1);
  EXPECT_EQ(take(), "a");
  queue_->done(key("a"));
  loop_.settle();
  EXPECT_EQ(ready_, 2);
}

TEST_F(WorkQueueTest, DelayedKeysComeWhenDueTheEarliestWins) {
  queue_->add_after(key("late"), 10s);
  queue_->add_after(key("soon"), 2s);
  queue_->add_after(key("late"), 5s);
  queue_->add_after(key("late"), 20s);
  EXPECT_EQ(queue_->delayed(), 2u);
  loop_.run_for(1999ms);
  EXPECT_EQ(drain(), "");
  loop_.run_for(1ms);
  EXPECT_EQ(drain(), "soon");
  loop_.run_for(2999ms);
  EXPECT_EQ(drain(), "");
  loop_.run_for(1ms);
  EXPECT_EQ(drain(), "late");
  loop_.run_for(60s);
  EXPECT_EQ(drain(), "");
}

TEST_F(WorkQueueTest, SameInstantKeepsTheOrderOfAdding) {
  for (const char* name : {"c", "a", "b"}) queue_->add_after(key(name), 1s);
  loop_.run_for(1s);
  EXPECT_EQ(drain(), "cab");
}

TEST_F(WorkQueueTest, EachFailingKeyBacksOffOnItsOwn) {
  Duration expected = 5ms;
  for (int i = 0; i < 15; ++i) {
    queue_->retry(key("a"));
    loop_.run_for(expected - 1ns);
    ASSERT_EQ(drain(), "") << i;
    loop_.run_for(1ns);
    ASSERT_EQ(drain(), "a") << i;
    expected = std::min<Duration>(expected * 2, 30s);
  }
  queue_->retry(key("b"));
  loop_.run_for(5ms);
  EXPECT_EQ(drain(), "b");
  queue_->forget(key("a"));
  queue_->retry(key("a"));
  loop_.run_for(5ms);
  EXPECT_EQ(drain(), "a");
}

TEST_F(WorkQueueTest, AddingNowDoesNotWaitForTheBackoff) {
  queue_->retry(key("a"));
  queue_->retry(key("a"));
  queue_->add(key("a"));
  EXPECT_EQ(drain(), "a");
}

TEST_F(WorkQueueTest, MayBeDestroyedWithWorkPending) {
  queue_->add(key("a"));
  queue_->add_after(key("b"), 1s);
  queue_.reset();
  loop_.run_for(5s);
  EXPECT_EQ(ready_, 0);
}

TEST_F(WorkQueueTest, ARestingKeyWaitsUnlessItIsUrgent) {
  queue_->add(key("a"));
  EXPECT_EQ(take(), "a");
  queue_->rest(key("a"), 2s);
  queue_->add_rested(key("a"));
  queue_->done(key("a"));
  EXPECT_EQ(take(), "");
  EXPECT_EQ(queue_->resting(), 1u);
  loop_.run_for(2s);
  EXPECT_EQ(queue_->resting(), 0u);
  EXPECT_EQ(drain(), "a");
  queue_->add_rested(key("a"));
  EXPECT_EQ(take(), "a") << "the rest is over";
  queue_->rest(key("a"), 2s);
  queue_->done(key("a"));
  queue_->add_rested(key("a"));
  EXPECT_EQ(queue_->waiting(), 0u);
  queue_->add(key("a"));
  EXPECT_EQ(queue_->resting(), 0u);
  EXPECT_EQ(take(), "a");
  queue_->rest(key("a"), 0s);
  queue_->add_rested(key("a"));
  queue_->done(key("a"));
  EXPECT_EQ(take(), "a") << "its rest was taken back";
  queue_->done(key("a"));
}

}  // namespace
}  // namespace keelson::client
