// A containerd of the test's own: root, state, socket, bridge, subnet and cgroups are shared with
// nobody, and everything is gone when it ends, also what the test has left running.
//
//   static test::Containerd containerd;           // started once for a program
//   KEELSON_NEEDS_CONTAINERD(containerd);         // in SetUp(), or first in a test
//   cri::CriRuntime runtime(loop, log, containerd.options("node-1"));
//
// Needs root, containerd, runc, CNI's plugins in /usr/lib/cni, cc and busybox-static. With `nginx`,
// the two tutorial images too (nginx-light).
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "runtime/cri/cri_runtime.hpp"
#include "tests/support/missing_tool.hpp"

// Skips where the machine does not let containers be made, and fails where one should run and does not.
#define KEELSON_NEEDS_CONTAINERD(containerd)                                          \
  do {                                                                                \
    using Lack = keelson::test::Containerd::Lack;                                     \
    if ((containerd).lack() == Lack::right) GTEST_SKIP() << (containerd).why();       \
    if ((containerd).lack() == Lack::program) KEELSON_TOOL_IS_MISSING((containerd).why()); \
    if (!(containerd).usable()) FAIL() << (containerd).why();                         \
  } while (false)

namespace keelson::test {

inline constexpr const char* kBusybox = "docker.io/library/busybox:1.35";

struct ContainerdOptions {
  bool nginx = false;
  // Moves the calling thread, and with it containerd and the threads that are started later, into a
  // new network namespace: what the pods' network does to iptables ends with the program.
  bool own_network = false;
  bool restrict_oom_score_adj = true;  // false needs CAP_SYS_RESOURCE
};

class Containerd {
 public:
  explicit Containerd(ContainerdOptions options = {});
  ~Containerd();
  Containerd(const Containerd&) = delete;
  Containerd& operator=(const Containerd&) = delete;

  bool usable() const { return why_.empty(); }
  const std::string& why() const { return why_; }  // of not being usable
  // What the machine lacks or forbids; a containerd that is all there and does not work is broken.
  enum class Lack { nothing, right, program };
  Lack lack() const { return lack_; }

  const std::string& directory() const { return directory_; }  // for the test's own files
  std::string socket() const { return directory_ + "/run/containerd.sock"; }
  std::string cgroup_parent() const { return "/keelson-" + name_; }
  std::string address() const { return subnet_ + ".1"; }  // of this host on the pods' bridge
  pid_t pid() const { return pid_; }

  // An agent's options; agents of one containerd must differ in `node`.
  cri::CriOptions options(const std::string& node) const;

  // Ends containerd, the containers go on; starts it again. False: it does not come up.
  void stop();
  bool start();

  // Output of `ctr -n k8s.io <arguments>`.
  std::string ctr(const std::string& arguments) const;

 private:
  void look_for_what_it_needs();
  void configure(const ContainerdOptions& options) const;
  bool import(const std::vector<std::string>& images);
  void remove_pods();
  void end_shims() const;

  std::string name_, directory_, bridge_, subnet_, why_;
  Lack lack_ = Lack::nothing;
  pid_t pid_ = -1;
};

}  // namespace keelson::test
