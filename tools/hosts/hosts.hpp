// Several hosts on one machine: network namespaces on a common bridge, each with its own directory, in
// which `keelson init` and `keelson join` do what they do on real ones. One more namespace is the world
// outside, from which a client looks at the cluster.
//
// Needs root. Everything is gone with the object: processes, containers, namespaces, directories.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tools/hosts/process.hpp"

namespace keelson::hosts {

// The first of the programs they need that is not installed; empty: all are.
std::string missing_program();
// Why hosts cannot be made here; empty: they can.
std::string why_no_hosts();

// This thread, and what it starts, in another network namespace as long as the object lives.
class InNetwork {
 public:
  explicit InNetwork(const std::string& file);
  ~InNetwork();
  // False: it cannot be entered; the thread is where it was.
  bool ok() const { return there_; }
  InNetwork(const InNetwork&) = delete;
  InNetwork& operator=(const InNetwork&) = delete;

 private:
  int before_ = -1;
  bool there_ = false;
};

// What hosts are made with.
struct Making {
  std::string binary;        // the keelson program
  std::string images;        // a directory with archives of the images that nodes are to have
  std::string build_images;  // the program that makes them there (tests/images/build); empty: they are there
};

// Not for several threads at once, but for run(), main_process() and the cables.
class Hosts {
 public:
  // Named h1, h2, ...; the addresses are 10.111.0.1, 10.111.0.2, ...
  Hosts(int count, Making making);
  ~Hosts();
  Hosts(const Hosts&) = delete;
  Hosts& operator=(const Hosts&) = delete;

  bool ok() const { return trouble_.empty(); }
  const std::string& trouble() const { return trouble_; }

  static std::string address(int host) { return "10.111.0." + std::to_string(host); }
  std::string root(int host) const { return dir_.path() + "/h" + std::to_string(host); }
  // A shell command on that host; 0: outside.
  Outcome run(int host, const std::string& command,
              std::chrono::seconds limit = std::chrono::seconds(60)) const;
  // The file of that host's network namespace.
  std::string network(int host) const { return "/var/run/netns/" + netns(host); }

  // `keelson init` on a host. Further options as on the command line. What went wrong; empty: nothing.
  std::string init(int host, const std::string& options = {});
  // `keelson join` on a host, with what init has printed, as a node of that name (empty: h2, ...), then
  // the images. What went wrong; empty: nothing.
  std::string join(int host, const std::string& options = {}, const std::string& node = {});
  // Where the control plane's store is, as commands take it; and the journal of a node's containers.
  std::string store() const { return "unix:" + root(control_plane_) + "/run/keelson/redis.sock"; }
  std::string journal(int host) const { return root(host) + "/var/lib/keelson/node/containers.jsonl"; }
  std::string kubeconfig() const { return root(control_plane_) + "/etc/keelson/admin.conf"; }
  // For clients: KUBECONFIG, a HOME of their own, kubectl's folder before the PATH, and OUTSIDE, the
  // words that run a command in the world outside.
  std::map<std::string, std::string> environment(const std::string& kubectl = {}) const;

  // The process of a service ("keelson-node") on a host; 0: it does not run.
  pid_t main_process(int host, const std::string& service) const;
  // Kills everything of a host at once, its containers too, as a loss of power would. Its files stay.
  void lose_power(int host);
  // Starts the services of a host again.
  void power_on(int host);
  // Cuts a host's cable, and plugs it in again; that takes cut_inward() and cut_api() back, too.
  void cut(int host);
  void heal(int host);
  // Nothing reaches the host any more; what it sends arrives.
  void cut_inward(int host);
  // The host and the control plane's host do not hear each other.
  void cut_api(int host);

  std::string logs() const;  // the last of all services

 private:
  std::string plug_in(int host) const;
  std::string netns(int host) const;
  void reset(int host);
  // Rules of nftables in a host's network, each of them on what comes in or goes out.
  void drop(int host, const std::string& in, const std::string& out);

  Making making_;
  TemporaryDir dir_;
  std::string prefix_;
  int count_ = 0, control_plane_ = 1;
  std::string join_command_;
  std::string trouble_;
};

}  // namespace keelson::hosts
