// The long-running processes of a host: started so that they outlive the command that started them, and
// again when they die. systemd does it where it runs; elsewhere (containers, tests) a small process of
// ours stands over each, and keeps their logs short.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "tools/cli/host/layout.hpp"

namespace keelson::cli {

struct ServiceSpec {
  std::string name;         // "keelson-node"
  std::string description;  // a line for people
  std::vector<std::string> command;
  std::vector<std::string> after;  // services that it needs
  // Its children are not part of it: containers go on while it restarts.
  bool leaves_children = false;
};

class Services {
 public:
  enum class Kind { systemd, plain };
  // systemd where it is the init of this host and `layout` is the host's own.
  static Kind kind_for(const Layout& layout);

  Services(Layout layout, Kind kind) : layout_(std::move(layout)), kind_(kind) {}

  Status start(const ServiceSpec& service);
  // Ends it until it is started again, which takes up to 30 s.
  Status halt(const std::string& name);
  // Ends it and forgets it, which takes up to 30 s. A service that there is not is ended.
  Status stop(const std::string& name);
  bool running(const std::string& name) const;
  // Where its output is, for people: a file, or a command.
  std::string log_of(const std::string& name) const;
  // The last lines of its output; empty: there are none here.
  std::string last_words(const std::string& name) const;

 private:
  std::string unit_file(const std::string& name) const;
  std::string pid_file(const std::string& name) const;
  std::string main_pid_file(const std::string& name) const;
  std::string log_file(const std::string& name) const;
  Status start_unit(const ServiceSpec& service);
  Status start_plain(const ServiceSpec& service);
  void halt_plain(const std::string& name);

  Layout layout_;
  Kind kind_;
};

}  // namespace keelson::cli
