// Scheduler extenders over HTTP: the real side of scheduler::ExtenderPort.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/scheduler/config/extender_config.hpp"
#include "core/scheduler/extender/port.hpp"
#include "runtime/http/async_client.hpp"

namespace keelson::runtime {

class HttpExtenders final : public scheduler::ExtenderPort {
 public:
  // Error: a URL, a file or a PEM text is of no use; the message names the extender and the field.
  static Result<std::unique_ptr<HttpExtenders>> make(
      AsioLoop& loop, const std::vector<scheduler::ExtenderConfig>& configs);

  void post(std::size_t extender, const std::string& verb, std::string body,
            Done<std::string> done) override;

 private:
  struct Extender {
    std::unique_ptr<http::AsyncClient> client;
    Duration timeout{};
  };
  std::vector<Extender> extenders_;
};

}  // namespace keelson::runtime
