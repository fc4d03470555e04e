// Probes and hooks of running containers: in them (exec) or against their pod's address.
#pragma once

#include "core/base/loop.hpp"
#include "runtime/cri/client.hpp"
#include "runtime/cri/http_check.hpp"
#include "runtime/cri/inventory.hpp"

namespace keelson::cri {

class Prober {
 public:
  Prober(runtime::AsioLoop& loop, Client& client, Inventory& inventory)
      : loop_(loop), client_(client), inventory_(inventory) {}

  // An error says nothing about the container: the answer is to be thrown away.
  void probe(const std::string& container, const api::Probe& probe, Done<agent::ProbeAnswer> done);
  void hook(const std::string& container, const api::LifecycleHandler& hook, Done<Unit> done);

 private:
  struct Target {
    std::string ip;
    std::string ports;  // kNotePorts
  };
  std::optional<Target> target(const std::string& container);
  template <class T>
  void answer(Done<T> done, Result<T> result);  // not from inside the call
  void exec(const std::string& container, const api::ExecAction& action, Duration timeout,
            Done<agent::ProbeAnswer> done);
  void http(const std::string& container, const api::HTTPGetAction& action, Duration timeout,
            Done<agent::ProbeAnswer> done);
  void tcp(const std::string& container, const api::TCPSocketAction& action, Duration timeout,
           Done<agent::ProbeAnswer> done);
  void grpc(const std::string& container, const api::GRPCAction& action, Duration timeout,
            Done<agent::ProbeAnswer> done);
  template <class T>
  Done<T> guarded(Done<T> done);

  runtime::AsioLoop& loop_;
  Client& client_;
  Inventory& inventory_;
  int execs_ = 0;  // under way
  std::map<int, Timer> naps_;
  int next_nap_ = 0;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace keelson::cri
