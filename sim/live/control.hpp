// The simulation's own endpoint, beside the Kubernetes API: its clock and its faults. For members
// of system:masters alone. README.md describes the paths and bodies.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "core/rest/http.hpp"
#include "sim/live/live_world.hpp"
#include "sim/live/pacer.hpp"

namespace keelson::sim {

inline constexpr std::string_view kControlPath = "/keelson/v1/sim/";

class Control final : public rest::Handler {
 public:
  // `real` tells the real time as the pacer gets it; `changed` is called when the pacer or the
  // world has something to do.
  Control(LiveWorld& world, Pacer& pacer, std::function<Duration()> real,
          std::function<void()> changed);

  static bool is_for(const rest::HttpRequest& request) {
    return request.target.starts_with(kControlPath);
  }
  // REQUIRES: is_for(request).
  void handle(rest::HttpRequest request, rest::ExchangePtr exchange) override;
  // The world has moved on: steps that are done are answered.
  void advanced();

 private:
  struct Step {
    Instant until;
    rest::ExchangePtr exchange;
    std::shared_ptr<bool> gone;
  };
  struct Call {
    std::string method, path;  // below kControlPath
    std::string body;
  };
  void clock(const Call& call, const rest::ExchangePtr& exchange);
  void step(const Call& call, const rest::ExchangePtr& exchange);
  void faults(const Call& call, const rest::ExchangePtr& exchange);
  void timeline(const rest::ExchangePtr& exchange);
  std::string clock_text() const;
  std::string faults_text() const;

  LiveWorld& world_;
  Pacer& pacer_;
  std::function<Duration()> real_;
  std::function<void()> changed_;
  std::vector<Step> steps_;
};

}  // namespace keelson::sim
