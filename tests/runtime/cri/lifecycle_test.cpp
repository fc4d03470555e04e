// A pod's life through the port: made, run, ended, seen in lists, removed, and its files with it.
#include <filesystem>

#include "tests/runtime/cri/cri_fixture.hpp"

namespace keelson::test {
namespace {

using agent::ContainerState;

TEST_F(CriTest, RunsAPodToItsEnd) {
  auto pod = shell_pod("life", "echo hello; echo said > /dev/termination-log; exit 7");
  auto sandbox = run_sandbox(pod);
  ASSERT_TRUE(sandbox.ok()) << sandbox.error().message;
  EXPECT_FALSE(sandbox->ip.empty());
  EXPECT_TRUE(sandbox->ready);

  auto id = create(sandbox->id, spec_of(pod));
  ASSERT_TRUE(id.ok()) << id.error().message;
  agent::ContainerInfo made = info(*id);
  EXPECT_EQ(made.state, ContainerState::created);
  EXPECT_EQ(made.name, "main");
  EXPECT_EQ(made.pod_uid, pod->metadata().uid());
  EXPECT_EQ(made.sandbox, sandbox->id);
  EXPECT_EQ(made.image, kBusybox);
  EXPECT_FALSE(made.image_id.empty());

  ASSERT_TRUE(start(*id).ok());
  agent::ContainerInfo end = ended(*id);
  EXPECT_EQ(end.exit_code, 7);
  EXPECT_EQ(end.reason, "Error");
  EXPECT_EQ(end.message, "said\n");
  EXPECT_GE(end.finished_at, end.started_at);
  EXPECT_GE(end.started_at, end.created_at);
  EXPECT_EQ(log_of(*sandbox), "hello\n");

  EXPECT_TRUE(remove(*id).ok());
  EXPECT_TRUE(stop_sandbox(sandbox->id).ok());
  auto stopped = list();
  ASSERT_TRUE(stopped.ok());
  ASSERT_EQ(stopped->sandboxes.size(), 1u);
  EXPECT_FALSE(stopped->sandboxes[0].ready);
  EXPECT_TRUE(stopped->containers.empty());
  EXPECT_TRUE(remove_sandbox(sandbox->id).ok());
  auto empty = list();
  ASSERT_TRUE(empty.ok());
  EXPECT_TRUE(empty->sandboxes.empty());
  namespace fs = std::filesystem;
  EXPECT_TRUE(fs::is_empty(containerd().directory() + "/logs"));
  EXPECT_TRUE(fs::is_empty(containerd().directory() + "/keelson/pods"));
  // All of it may be repeated.
  EXPECT_TRUE(remove(*id).ok());
  EXPECT_TRUE(remove_sandbox(sandbox->id).ok());
}

TEST_F(CriTest, StopsWithAndWithoutKilling) {
  Running polite = run(shell_pod("polite", "trap 'exit 3' TERM; while true; do sleep 0.1; done"));
  Running stubborn = run(shell_pod("stubborn", "trap '' TERM; while true; do sleep 0.1; done"));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // until the traps are set
  EXPECT_TRUE(stop(polite.container, 20s).ok());
  EXPECT_EQ(info(polite.container).exit_code, 3);
  EXPECT_TRUE(stop(stubborn.container, 1s).ok());
  EXPECT_EQ(info(stubborn.container).exit_code, 137);
  // Once more, and what is not there.
  EXPECT_TRUE(stop(polite.container, 1s).ok());
  auto missing = stop("nothere", 1s);
  EXPECT_TRUE(missing.ok() || missing.code() == Code::not_found) << missing.error().message;
}

TEST_F(CriTest, HintsAtAnExitAtOnce) {
  Running pod = run(shell_pod("hint", "sleep 0.7; exit 4"));
  std::promise<void> hinted;
  loop.on_loop([&] {
    loop.runtime->on_hint([&, told = false]() mutable {
      if (!std::exchange(told, true)) hinted.set_value();
    });
  });
  ASSERT_EQ(info(pod.container).state, ContainerState::running);  // the list sets the watch
  ASSERT_EQ(hinted.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(ended(pod.container).exit_code, 4);
  loop.on_loop([&] { loop.runtime->on_hint(nullptr); });
}

TEST_F(CriTest, HintsAtTheEndOfAShortLife) {
  auto hinted = std::make_shared<std::promise<void>>();
  loop.on_loop([&] {
    loop.runtime->on_hint([hinted, told = false]() mutable {
      if (!std::exchange(told, true)) hinted->set_value();
    });
  });
  run(shell_pod("short", "true"));  // and nobody lists
  EXPECT_EQ(hinted->get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(CriTest, SeesOnlyWhatIsItsOwn) {
  Running mine = run(shell_pod("mine", "sleep 100"));
  CriLoop other;
  other.use(containerd().options("another-node"));
  auto seen =
      other.wait<agent::RuntimeState>([&](auto done) { other.runtime->list(std::move(done)); });
  ASSERT_TRUE(seen.ok());
  EXPECT_TRUE(seen->sandboxes.empty());
  EXPECT_TRUE(seen->containers.empty());
  // A second life of the same agent finds what the first has left.
  loop.use(options());
  agent::ContainerInfo found = info(mine.container);
  EXPECT_EQ(found.state, ContainerState::running);
  EXPECT_GT(found.started_at.unix_ns, 0);
  auto again = list();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->sandboxes.at(0).ip, mine.sandbox.ip);
}

TEST_F(CriTest, NamesThatAreTakenExist) {
  auto pod = shell_pod("taken", "sleep 100");
  Running first = run(pod);
  EXPECT_EQ(run_sandbox(pod, 0).code(), Code::exists);
  EXPECT_EQ(create(first.sandbox.id, spec_of(pod)).code(), Code::exists);
  EXPECT_EQ(start(first.container).code(), Code::conflict);
  EXPECT_EQ(create("nothere", spec_of(pod, 1)).code(), Code::not_found);
}

TEST_F(CriTest, SaysWhyAContainerDoesNotStart) {
  auto pod = shell_pod("nostart", "true");
  auto sandbox = run_sandbox(pod);
  ASSERT_TRUE(sandbox.ok());
  agent::ContainerSpec spec = spec_of(pod);
  spec.command = {"/bin/nothere"};
  auto id = create(sandbox->id, spec);
  ASSERT_TRUE(id.ok());
  auto started = start(*id);
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.code(), Code::unavailable);
  EXPECT_NE(started.error().message.find("/bin/nothere"), std::string::npos);
  EXPECT_EQ(ended(*id).exit_code, 128);
  spec.image = "docker.io/library/nothere:1";
  spec.attempt = 1;
  EXPECT_EQ(create(sandbox->id, spec).code(), Code::not_found);
}

}  // namespace
}  // namespace keelson::test
