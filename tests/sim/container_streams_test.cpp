// What simulated containers answer to logs, exec, attach and connections, in a world that runs.
#include "sim/world/container_streams.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/inside/inside.hpp"
#include "sim/inside/program.hpp"
#include "sim/inside/tar.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {
namespace {

struct LogReader final : agent::LogUser {
  void on_open() override { open = true; }
  void on_log(std::string_view text) override {
    all += text;
    if (pause_after > 0 && --pause_after == 0) stream->pause(true);
  }
  void on_log_end(Status why) override {
    ended = true;
    end = std::move(why);
  }
  std::size_t lines() const { return static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n')); }
  std::string all;
  bool open = false, ended = false;
  int pause_after = 0;
  Status end;
  std::unique_ptr<agent::LogStream> stream;
};

struct Terminal final : agent::CommandUser {
  void on_open() override { session->start(); }
  void on_output(agent::Output which, std::string_view data) override {
    (which == agent::Output::standard ? out : err) += data;
  }
  void on_writable() override {}
  void on_exit(Result<int32_t> how) override { exit = std::move(how); }
  std::string out, err;
  std::optional<Result<int32_t>> exit;
  std::unique_ptr<agent::CommandSession> session;
};

struct Peer final : agent::ByteStreamUser {
  void on_open() override { open = true; }
  void on_bytes(std::string_view data) override { all += data; }
  void on_writable() override {}
  void on_end(Status why) override {
    ended = true;
    end = std::move(why);
  }
  std::string all;
  bool open = false, ended = false;
  Status end;
  std::unique_ptr<agent::ByteStream> stream;
};

class ContainerStreamsTest : public ::testing::Test {
 protected:
  static WorldOptions options() {
    WorldOptions options;
    options.controller_managers = 1;
    options.schedulers = 1;
    NodePool pool;
    pool.count = 1;
    pool.capacity = {{"cpu", "8"}, {"memory", "16Gi"}};
    options.pools = {pool};
    options.runtime.images["job"].runs_for = 30s;
    options.runtime.images["job"].exit_code = 3;
    options.runtime.runs_commands = true;
    return options;
  }
  ContainerStreamsTest() {
    world_.start();
    run(20s);
  }
  void run(Duration time) { world_.engine().run_until(world_.engine().now() + time); }

  void create(const std::string& name, const std::string& image, std::vector<std::string> command = {},
              bool interactive = false) {
    api::Pod pod;
    pod.mutable_metadata()->set_name(name);
    pod.mutable_metadata()->set_namespace_("default");
    auto& container = *pod.mutable_spec()->add_containers();
    container.set_name("main");
    container.set_image(image);
    for (const std::string& word : command) container.add_command(word);
    container.set_stdin(interactive);
    if (image == "nginx") container.add_ports()->set_container_port(80);
    auto& variable = *container.add_env();
    variable.set_name("COLOUR");
    variable.set_value("green");
    pod.mutable_spec()->set_restart_policy(image == "job" ? "Always" : "Never");
    if (change_) change_(pod);
    world_.admin().call(api::create(api::make_object(std::move(pod))), [](api::Response response) {
      EXPECT_TRUE(response.ok()) << response.error.message;
    });
    run(10s);
  }
  agent::ContainerRef at(const std::string& name) {
    api::ObjectPtr found;
    world_.admin().call(api::get(api::Kind::pods, "default", name),
                        [&](api::Response response) { found = response.object; });
    run(1s);
    KEELSON_ASSERT(found);
    return {api::Ref<api::Pod>(found), "main"};
  }
  agent::ContainerStreams& node() { return **streams_.of("node-1"); }

  std::unique_ptr<LogReader> logs(const std::string& pod, agent::LogOptions options = {}) {
    auto reader = std::make_unique<LogReader>();
    reader->stream = node().logs(at(pod), options, *reader);
    run(100ms);
    return reader;
  }
  std::unique_ptr<Terminal> exec(const std::string& pod, std::vector<std::string> command,
                                 bool input = false, bool tty = false, bool attach = false) {
    auto terminal = std::make_unique<Terminal>();
    agent::CommandOptions options{std::move(command), input, true, !tty, tty};
    terminal->session = attach ? node().attach(at(pod), options, *terminal)
                               : node().exec(at(pod), options, *terminal);
    run(100ms);
    return terminal;
  }
  std::string said(const std::string& pod, const std::string& script, int32_t code = 0) {
    const auto terminal = exec(pod, {"sh", "-c", script});
    EXPECT_TRUE(terminal->exit && terminal->exit->ok()) << script;
    if (terminal->exit && terminal->exit->ok()) {
      EXPECT_EQ(**terminal->exit, code) << script;
    }
    return terminal->out + terminal->err;
  }
  std::unique_ptr<Peer> connect(const std::string& pod, uint16_t port) {
    auto peer = std::make_unique<Peer>();
    peer->stream = node().connect(at(pod).pod, port, *peer);
    run(100ms);
    return peer;
  }

  std::function<void(api::Pod&)> change_;  // of pods to be created
  World world_{options(), {}};
  WorldStreams streams_{world_, world_.admin_process(), world_.api_hosts()[0]};
};

TEST_F(ContainerStreamsTest, LogsTellWhatHappened) {
  create("web", "nginx");
  run(5min);
  const auto all = logs("web");
  EXPECT_TRUE(all->open && all->ended && all->end.ok());
  EXPECT_NE(all->all.find("container main of pod default/web starts on node node-1, image nginx"), std::string::npos);
  EXPECT_NE(all->all.find("ready for connections"), std::string::npos);
  EXPECT_NE(all->all.find("\"GET "), std::string::npos);
  EXPECT_GT(all->lines(), 25u);
  EXPECT_EQ(logs("web")->all.substr(0, all->all.size()), all->all) << "every reader sees the same";

  agent::LogOptions options;
  options.tail_lines = 3;
  const auto tail = logs("web", options);
  EXPECT_EQ(tail->lines(), 3u);
  options = {};
  options.since_ago = 60s;
  EXPECT_GE(logs("web", options)->lines(), 4u);
  EXPECT_LE(logs("web", options)->lines(), 7u);
  options = {};
  options.limit_bytes = 10;
  EXPECT_EQ(logs("web", options)->all, all->all.substr(0, 10));
  options = {};
  options.timestamps = true;
  options.tail_lines = 1;
  EXPECT_EQ(logs("web", options)->all.substr(0, 8), "2026-01-");
  EXPECT_EQ(logs("web", options)->all[29], 'Z');
  options = {};
  options.source = agent::LogSource::standard_error;
  EXPECT_EQ(logs("web", options)->all, "");
}

TEST_F(ContainerStreamsTest, AFollowedLogGrowsAndEndsWithItsContainer) {
  create("job", "job");
  agent::LogOptions options;
  options.follow = true;
  const auto reader = logs("job", options);
  const std::size_t before = reader->lines();
  run(12s);
  EXPECT_GT(reader->lines(), before);
  EXPECT_FALSE(reader->ended);
  run(30s);
  EXPECT_TRUE(reader->ended);
  EXPECT_TRUE(reader->all.ends_with("fatal: exits with code 3\n")) << reader->all;
  // It was started again; the one before is still told of.
  options = {};
  options.previous = true;
  run(20s);
  const auto previous = logs("job", options);
  EXPECT_TRUE(previous->all.ends_with("fatal: exits with code 3\n")) << previous->end.message();
}

TEST_F(ContainerStreamsTest, AReaderMayPause) {
  create("web", "nginx");
  run(3h);
  auto reader = std::make_unique<LogReader>();
  reader->pause_after = 1;
  reader->stream = node().logs(at("web"), {}, *reader);
  run(10s);
  EXPECT_EQ(reader->lines(), 256u);
  EXPECT_FALSE(reader->ended);
  reader->stream->pause(false);
  run(1s);
  EXPECT_TRUE(reader->ended);
  EXPECT_GT(reader->lines(), 900u);
}

TEST_F(ContainerStreamsTest, WhatAProgramPrintsIsItsLog) {
  create("hello", "busybox", {"sh", "-c", "echo hello; sleep 5; echo $COLOUR; sleep 3600"});
  agent::LogOptions options;
  EXPECT_EQ(logs("hello", options)->all, "hello\ngreen\n");
}

TEST_F(ContainerStreamsTest, AContainerEndsWithItsCommand) {
  create("fails", "busybox", {"sh", "-c", "echo working; printf half; sleep 2; exit 3"});
  const api::ContainerStateTerminated failed =
      at("fails").pod->status().container_statuses(0).state().terminated();
  EXPECT_EQ(failed.exit_code(), 3);
  EXPECT_EQ(failed.reason(), "Error");
  EXPECT_GE(failed.finished_at().seconds() - failed.started_at().seconds(), 2);
  EXPECT_EQ(at("fails").pod->status().phase(), "Failed");
  EXPECT_EQ(logs("fails")->all, "working\nhalf");

  create("done", "busybox", {"/bin/echo", "hi"});
  EXPECT_EQ(at("done").pod->status().phase(), "Succeeded");
  EXPECT_EQ(logs("done")->all, "hi\n");

  // What is not known here, or comes to that, runs on.
  create("unknown", "busybox", {"my-server"});
  create("later", "busybox", {"sh", "-c", "echo begin; while true; do date; done"});
  EXPECT_EQ(at("unknown").pod->status().phase(), "Running");
  EXPECT_EQ(at("later").pod->status().phase(), "Running");
  EXPECT_TRUE(logs("later")->all.starts_with("begin\n"));
}

TEST_F(ContainerStreamsTest, ItIsStartedAgainAsItsPolicyHasIt) {
  change_ = [](api::Pod& pod) { pod.mutable_spec()->set_restart_policy("OnFailure"); };
  create("flaky", "busybox", {"false"});
  run(20s);
  EXPECT_GE(at("flaky").pod->status().container_statuses(0).restart_count(), 1);
  create("fine", "busybox", {"true"});
  run(20s);
  EXPECT_EQ(at("fine").pod->status().phase(), "Succeeded");
}

TEST_F(ContainerStreamsTest, LastWordsAreInTheStatus) {
  const auto message = [&](const std::string& pod) {
    return at(pod).pod->status().container_statuses(0).state().terminated().message();
  };
  create("file", "busybox", {"sh", "-c", "echo -n OK > /dev/termination-log; echo more"});
  EXPECT_EQ(message("file"), "OK");
  change_ = [](api::Pod& pod) {
    pod.mutable_spec()->mutable_containers(0)->set_termination_message_policy("FallbackToLogsOnError");
  };
  create("log", "busybox", {"sh", "-c", "echo -n DONE; false"});
  EXPECT_EQ(message("log"), "DONE");
  create("good", "busybox", {"sh", "-c", "echo -n DONE"});
  EXPECT_EQ(message("good"), "");
}

TEST(Readable, IsAlwaysUtf8) {
  EXPECT_EQ(readable("plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"), "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(readable("cut \xe2\x82"), "cut \xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(readable("\xff\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(readable("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") << "a surrogate";
}

TEST_F(ContainerStreamsTest, ProbesSeeTheFilesOfTheirContainer) {
  change_ = [](api::Pod& pod) {
    pod.mutable_spec()->set_restart_policy("Always");
    auto& probe = *pod.mutable_spec()->mutable_containers(0)->mutable_liveness_probe();
    probe.mutable_handler()->mutable_exec()->add_command("cat");
    probe.mutable_handler()->mutable_exec()->add_command("/tmp/health");
    probe.set_period_seconds(1);
    probe.set_failure_threshold(1);
  };
  create("short", "busybox", {"sh", "-c", "echo ok > /tmp/health; sleep 20; rm /tmp/health; sleep 600"});
  EXPECT_EQ(at("short").pod->status().container_statuses(0).restart_count(), 0);
  EXPECT_EQ(said("short", "cat /tmp/health"), "ok\n");
  run(60s);
  EXPECT_GE(at("short").pod->status().container_statuses(0).restart_count(), 1);
}

TEST_F(ContainerStreamsTest, ARootFileSystemMayBeReadOnly) {
  change_ = [](api::Pod& pod) {
    auto& container = *pod.mutable_spec()->mutable_containers(0);
    container.mutable_security_context()->set_read_only_root_filesystem(true);
    pod.mutable_spec()->add_volumes()->set_name("data");
    pod.mutable_spec()->mutable_volumes(0)->mutable_volume_source()->mutable_empty_dir();
    auto& mount = *container.add_volume_mounts();
    mount.set_name("data");
    mount.set_mount_path("/data");
  };
  create("ro", "busybox", {"/bin/sh", "-c", "echo a > /file; echo b > /data/file; cat /data/file; sleep 600"});
  EXPECT_EQ(logs("ro")->all, "/bin/sh: can't create /file: Read-only file system\nb\n");
  EXPECT_EQ(said("ro", "touch /x && echo made", 1), "touch: /x: No space left on device\n");
  EXPECT_EQ(said("ro", "cat /data/file"), "b\n");
}

TEST_F(ContainerStreamsTest, ProbesThatCannotBeRunSucceed) {
  change_ = [](api::Pod& pod) {
    auto& exec = *pod.mutable_spec()->mutable_containers(0)->mutable_readiness_probe()->mutable_handler()->mutable_exec();
    for (const char* word : {"sh", "-c", "netstat -na | grep LISTEN"}) exec.add_command(word);
  };
  create("listens", "busybox", {"sh", "-c", "sleep 600"});
  EXPECT_TRUE(at("listens").pod->status().container_statuses(0).ready());
  // Nobody knows what else there is in a container that runs something unknown.
  change_ = [](api::Pod& pod) {
    auto& exec = *pod.mutable_spec()->mutable_containers(0)->mutable_readiness_probe()->mutable_handler()->mutable_exec();
    for (const char* word : {"cat", "/run/ready"}) exec.add_command(word);
  };
  create("server", "busybox", {"sh", "-c", "echo begin; exec my-server"});
  EXPECT_TRUE(at("server").pod->status().container_statuses(0).ready());
}

TEST_F(ContainerStreamsTest, ImagesOfTestsDoWhatTestsExpect) {
  change_ = [](api::Pod& pod) {
    auto& container = *pod.mutable_spec()->mutable_containers(0);
    for (const std::string& word : container.command()) container.add_args(word);
    container.clear_command();
    if (container.args(0) != "liveness") return;
    pod.mutable_spec()->set_restart_policy("Always");
    auto& probe = *container.mutable_liveness_probe();
    probe.mutable_handler()->mutable_http_get()->mutable_port()->set_int_val(8080);
    probe.set_period_seconds(3);
    probe.set_failure_threshold(1);
  };
  const std::string image = "registry.k8s.io/e2e-test-images/agnhost:2.21";
  create("tester", image, {"entrypoint-tester", "a", "b"});
  EXPECT_EQ(logs("tester")->all, "[/agnhost entrypoint-tester a b]\n");
  create("lines", image, {"logs-generator", "--log-lines-total", "100", "--run-duration", "2s"});
  EXPECT_EQ(logs("lines")->lines(), 100u);
  EXPECT_EQ(at("lines").pod->status().phase(), "Succeeded");
  create("ill", image, {"liveness"});
  run(20s);
  EXPECT_GE(at("ill").pod->status().container_statuses(0).restart_count(), 1);
  change_ = [](api::Pod& pod) {
    auto& container = *pod.mutable_spec()->mutable_containers(0);
    container.clear_command();
    container.add_args("test-webserver");
    container.mutable_readiness_probe()->mutable_handler()->mutable_http_get()->mutable_port()->set_int_val(81);
  };
  create("deaf", image);
  EXPECT_FALSE(at("deaf").pod->status().container_statuses(0).ready()) << "it listens on port 80";
  change_ = [](api::Pod& pod) {
    auto& container = *pod.mutable_spec()->mutable_containers(0);
    container.mutable_args()->Swap(container.mutable_command());
  };
  create("host", image, {"serve-hostname"});
  EXPECT_EQ(page_text(look_inside(*at("host").pod, "node-1", {}), "/"), "host");
  create("paused", image, {"pause"});
  run(60s);
  EXPECT_EQ(at("paused").pod->status().phase(), "Running");
  EXPECT_TRUE(logs("paused")->all.starts_with("Paused\n"));
}

TEST_F(ContainerStreamsTest, TheEnvironmentIsResolved) {
  api::ConfigMap map;
  map.mutable_metadata()->set_name("settings");
  map.mutable_metadata()->set_namespace_("default");
  (*map.mutable_data())["size"] = "large";
  world_.admin().call(api::create(api::make_object(std::move(map))), [](api::Response) {});
  run(1s);
  change_ = [](api::Pod& pod) {
    auto& container = *pod.mutable_spec()->mutable_containers(0);
    auto& from = *container.add_env_from();
    from.set_prefix("S_");
    from.mutable_config_map_ref()->mutable_local_object_reference()->set_name("settings");
    auto& ip = *container.add_env();
    ip.set_name("IP");
    ip.mutable_value_from()->mutable_field_ref()->set_field_path("status.podIP");
    auto& limit = *container.add_env();
    limit.set_name("LIMIT");
    limit.mutable_value_from()->mutable_resource_field_ref()->set_resource("limits.cpu");
    auto& both = *container.add_env();
    both.set_name("BOTH");
    both.set_value("$(COLOUR)/$(IP)/$$(COLOUR)/$(NONE)");
  };
  create("composed", "busybox", {"sh", "-c", "echo $S_size $LIMIT $BOTH $(COLOUR); sleep 100"});
  const std::string ip = at("composed").pod->status().pod_ip();
  EXPECT_EQ(logs("composed")->all, "large 8 green/" + ip + "/$(COLOUR)/$(NONE) green\n");
  EXPECT_EQ(said("composed", "printenv S_size"), "large\n");
}

TEST_F(ContainerStreamsTest, CommandsAnswer) {
  create("web", "nginx");
  EXPECT_EQ(said("web", "hostname"), "web\n");
  EXPECT_EQ(said("web", "echo a b  c; echo 'x  y' \"$COLOUR\""), "a b c\nx  y green\n");
  EXPECT_EQ(said("web", "cat /etc/hostname"), "web\n");
  EXPECT_NE(said("web", "cat /etc/resolv.conf").find("default.svc.cluster.local"), std::string::npos);
  EXPECT_NE(said("web", "cat /etc/hosts").find("10.0."), std::string::npos);
  EXPECT_NE(said("web", "env").find("COLOUR=green\n"), std::string::npos);
  EXPECT_NE(said("web", "date").find("UTC 2026\n"), std::string::npos);
  EXPECT_EQ(said("web", "id"), "uid=0(root) gid=0(root) groups=0(root)\n");
  EXPECT_NE(said("web", "ls /").find("etc\n"), std::string::npos);
  EXPECT_NE(said("web", "ip addr").find("inet 10.0."), std::string::npos);
  EXPECT_EQ(said("web", "ip link add dummy0 type dummy || true"),
            "ip: RTNETLINK answers: Operation not permitted\n");
  EXPECT_EQ(said("web", "exit 7", 7), "");
  EXPECT_EQ(said("web", "false || echo no; true && echo yes; false", 1), "no\nyes\n");
  EXPECT_EQ(said("web", "echo one > /tmp/f; echo two >> /tmp/f; cat /tmp/f | wc -l"), "2\n");
  EXPECT_EQ(said("web", "x=$(hostname); echo \"<$x>\" $(echo in $(echo inner))"), "<web> in inner\n");
  EXPECT_EQ(said("web", "nothing-like-it", 127), "sh: nothing-like-it: not found\n");
  EXPECT_EQ(said("web", "cat /nope", 1), "cat: can't open '/nope': No such file or directory\n");
  EXPECT_EQ(said("web", "echo 'unclosed", 2), "sh: syntax error\n");
  EXPECT_EQ(said("web", "test -d /tmp && [ -f /tmp/f ] && echo there"), "there\n");
  EXPECT_NE(said("web", "curl -s http://localhost").find("Hello from pod default/web"), std::string::npos);
  EXPECT_EQ(said("web", "curl localhost:81", 7), "curl: (7) Failed to connect to localhost port 81: Connection refused\n");
}

TEST_F(ContainerStreamsTest, TimePassesWhileTheySleep) {
  create("web", "nginx");
  const auto terminal = exec("web", {"sh", "-c", "echo a; sleep 5; echo b"});
  EXPECT_EQ(terminal->out, "a\n");
  EXPECT_FALSE(terminal->exit);
  run(4s);
  EXPECT_EQ(terminal->out, "a\n");
  run(1s);
  EXPECT_EQ(terminal->out, "a\nb\n");
  ASSERT_TRUE(terminal->exit && terminal->exit->ok());
}

TEST_F(ContainerStreamsTest, UnknownProgramsFailAsTheyDoWithRuntimes) {
  create("web", "nginx");
  const auto terminal = exec("web", {"foo", "bar"});
  EXPECT_EQ(terminal->err, "OCI runtime exec failed: exec failed: unable to start container process: "
                           "exec: \"foo\": executable file not found in $PATH: unknown\n");
  ASSERT_TRUE(terminal->exit && terminal->exit->ok());
  EXPECT_EQ(**terminal->exit, 126);
}

TEST_F(ContainerStreamsTest, AShellTalks) {
  create("web", "nginx");
  const auto terminal = exec("web", {"sh"}, true, true);
  EXPECT_EQ(terminal->out, "/ # ");
  terminal->session->write("hostnamex\x7f\r");
  run(1s);
  EXPECT_EQ(terminal->out, "/ # hostnamex\b \b\r\nweb\r\n/ # ");
  terminal->session->write("cd /tmp\rexit 4\r");
  run(1s);
  ASSERT_TRUE(terminal->exit && terminal->exit->ok());
  EXPECT_EQ(**terminal->exit, 4);

  const auto piped = exec("web", {"sh"}, true);
  piped->session->write("echo one\necho two");
  run(1s);
  EXPECT_EQ(piped->out, "one\n");
  piped->session->end_input();
  run(1s);
  EXPECT_EQ(piped->out, "one\ntwo\n");
  EXPECT_TRUE(piped->exit);

  const auto cat = exec("web", {"cat"}, true);
  cat->session->write("echo");
  run(1s);
  EXPECT_EQ(cat->out, "echo");
  cat->session->end_input();
  run(1s);
  EXPECT_TRUE(cat->exit && cat->exit->ok());
}

TEST_F(ContainerStreamsTest, FilesGoInAndOutAsArchives) {
  create("web", "nginx");
  std::string archive;
  add_to_tar(archive, "dir/", "", {}, true);
  add_to_tar(archive, "dir/a.txt", "content of a", {});
  end_tar(archive);
  const auto in = exec("web", {"tar", "--no-same-permissions", "-xmf", "-", "-C", "/tmp"}, true);
  for (std::size_t i = 0; i < archive.size(); i += 100) in->session->write(archive.substr(i, 100));
  in->session->end_input();
  run(1s);
  ASSERT_TRUE(in->exit && in->exit->ok());
  EXPECT_EQ(**in->exit, 0) << in->err;
  EXPECT_EQ(said("web", "cat /tmp/dir/a.txt"), "content of a");

  const auto out = exec("web", {"tar", "cf", "-", "/tmp/dir"});
  std::string names, contents;
  EXPECT_TRUE(read_tar(out->out, [&](std::string name, bool, std::string_view content) {
    names += name + " ";
    contents += content;
  }));
  EXPECT_EQ(names, "tmp/dir/ tmp/dir/a.txt ");
  EXPECT_EQ(contents, "content of a");

  const auto bad = exec("web", {"tar", "xmf", "-"}, true);
  bad->session->write(std::string(2000, 'x'));
  bad->session->end_input();
  run(1s);
  EXPECT_EQ(bad->err, "tar: invalid tar magic\n");
}

TEST_F(ContainerStreamsTest, AttachShowsTheLogOrTalksToTheShell) {
  create("web", "nginx");
  const auto watching = exec("web", {}, false, false, true);
  EXPECT_EQ(watching->out, "");
  run(30s);
  EXPECT_NE(watching->out.find("GET"), std::string::npos);

  create("shell", "busybox", {"sh"}, true);
  const auto inside = exec("shell", {}, true, true, true);
  inside->session->write("exit 3\r");
  run(1s);
  ASSERT_TRUE(inside->exit && inside->exit->ok());
  EXPECT_EQ(**inside->exit, 3);
  run(10s);
  EXPECT_EQ(at("shell").pod->status().phase(), "Failed") << "its container has ended with it";
}

TEST_F(ContainerStreamsTest, PodsAnswerOnTheirPorts) {
  create("web", "nginx");
  const auto peer = connect("web", 80);
  EXPECT_TRUE(peer->open);
  peer->stream->send("GET /a?b HTTP/1.1\r\nHost: x\r\n");
  run(1s);
  EXPECT_EQ(peer->all, "");
  peer->stream->send("\r\nGET /second HTTP/1.1\r\nConnection: close\r\n\r\n");
  run(1s);
  EXPECT_NE(peer->all.find("HTTP/1.1 200 OK\r\n"), std::string::npos);
  EXPECT_NE(peer->all.find("You asked for /a?b\n"), std::string::npos);
  EXPECT_NE(peer->all.find("You asked for /second\n"), std::string::npos);
  EXPECT_TRUE(peer->ended && peer->end.ok());

  const auto refused = connect("web", 81);
  EXPECT_FALSE(refused->open);
  EXPECT_TRUE(refused->end.message().ends_with(":81: connect: connection refused"));

  const auto nonsense = connect("web", 80);
  nonsense->stream->send("hello\r\n\r\n");
  run(1s);
  EXPECT_TRUE(nonsense->all.starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(nonsense->ended);
}

TEST_F(ContainerStreamsTest, FaultsApply) {
  create("web", "nginx");
  const agent::ContainerRef web = at("web");
  agent::LogOptions follow;
  follow.follow = true;
  const auto following = logs("web", follow);
  const auto running = exec("web", {"sleep", "1000"});

  // The agent is gone: nobody listens there.
  world_.node("node-1")->kill_agent();
  LogReader reader;
  reader.stream = node().logs(web, {}, reader);
  run(1s);
  EXPECT_EQ(reader.end.code(), Code::unavailable);
  EXPECT_NE(reader.end.message().find("connect: connection refused"), std::string::npos);

  // The power is gone: nobody answers, and one waits for it.
  world_.node("node-1")->power_off();
  Terminal terminal;
  terminal.session = node().exec(web, {{"date"}, false, true, true, false}, terminal);
  run(5s);
  EXPECT_FALSE(terminal.exit);
  run(6s);
  ASSERT_TRUE(terminal.exit);
  EXPECT_NE(terminal.exit->error().message.find("i/o timeout"), std::string::npos);
  run(20s);
  EXPECT_TRUE(following->ended && !following->end.ok());
  EXPECT_TRUE(running->exit);
  EXPECT_FALSE(streams_.of("node-7").ok());
}

TEST_F(ContainerStreamsTest, WhatIsNotThereIsNotFound) {
  create("web", "nginx");
  agent::ContainerRef nowhere = at("web");
  api::Pod other = *nowhere.pod;
  other.mutable_metadata()->set_uid("another");
  nowhere.pod = api::Ref<api::Pod>(api::make_object(other));
  Terminal terminal;
  terminal.session = node().exec(nowhere, {{"date"}, false, true, true, false}, terminal);
  std::optional<Result<Unit>> found;
  node().find_pod(nowhere.pod, [&](Result<Unit> answer) { found = std::move(answer); });
  run(1s);
  ASSERT_TRUE(terminal.exit && found);
  EXPECT_EQ(terminal.exit->error().message, "container not found (\"main\")");
  EXPECT_EQ(found->code(), Code::not_found);
}

TEST_F(ContainerStreamsTest, AReaderMayLeaveAtAnyTime) {
  create("web", "nginx");
  for (int i = 0; i < 20; ++i) {
    auto reader = std::make_unique<LogReader>();
    auto terminal = std::make_unique<Terminal>();
    auto peer = std::make_unique<Peer>();
    agent::LogOptions options;
    options.follow = true;
    const agent::ContainerRef web = at("web");
    reader->stream = node().logs(web, options, *reader);
    terminal->session = node().exec(web, {{"sh", "-c", "echo x; sleep 1"}, false, true, true, false}, *terminal);
    peer->stream = node().connect(web.pod, 80, *peer);
    peer->stream->send("GET / HTTP/1.1\r\n\r\n");
    run(std::chrono::microseconds(i * 200));
  }
  run(5s);
}

}  // namespace
}  // namespace keelson::sim
