// A simulated cluster without a scenario, driven from outside while it runs: HTTP requests, faults
// and the time that passes are handed in, as they come. It knows no clock and no socket: `keelson
// up` gives it both, a replay gives it neither.
//
// Everything that enters does so at the virtual instant at which the world stands, and is told to
// the recorder first. The same setup and the same entries, each brought in at its place by
// replay(), give the same run, to the last bit.
//
// Threading: all calls from one thread. What connections do while advance() runs is taken in when
// it ends.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/rest/http.hpp"
#include "sim/checks/suite.hpp"
#include "sim/faults/fault.hpp"
#include "sim/live/exchanges.hpp"
#include "sim/live/input.hpp"
#include "sim/live/recorded_signer.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

// What answers HTTP requests beside an API server. It lives and dies with the server's process.
class LiveFront {
 public:
  virtual ~LiveFront() = default;
  virtual void handle(rest::HttpRequest request, rest::ExchangePtr exchange) = 0;
  // The user of a bearer token, as far as the server knows now; none: not valid.
  virtual std::optional<auth::UserInfo> authenticate(std::string_view token) = 0;
};

struct LiveOptions {
  WorldOptions world;
  // Check every guarantee while it runs. Costs time and memory; changes nothing that happens.
  bool check = false;
  // Called when an API server has been made, whose process is the loop.
  std::function<std::unique_ptr<LiveFront>(World&, ApiServerProcess&)> make_front;
  // Signs approved requests for certificates; null: nobody does.
  std::shared_ptr<const controllers::CertificateSigner> signer;
  // Warnings, errors and faults, as they happen.
  std::function<void(const Note&)> on_note;
};

// A fault that has still to heal.
struct LastingFault {
  uint64_t number = 0;  // names it
  FaultSpec spec;
  std::string what;  // in words
  Instant since{};
};

class LiveWorld final : public rest::Handler {
 public:
  explicit LiveWorld(LiveOptions options);
  ~LiveWorld();
  LiveWorld(const LiveWorld&) = delete;
  LiveWorld& operator=(const LiveWorld&) = delete;

  // Powers everything on. Nothing enters before.
  void start();

  // --- Time
  // -----------------------------------------------------------------------------------------
  Instant now() const { return world_->now(); }
  WallTime date() const { return world_->options().epoch + now().time_since_epoch(); }
  std::optional<Instant> next_event() { return world_->engine().next_due(); }
  // Runs until `until`, or until so many events have been run. True: it stands at `until`.
  bool advance(Instant until, uint64_t events_max = UINT64_MAX);
  // While the clock is paused, requests are answered all the same: up to here it may go on for
  // those that are waiting. None: nobody waits.
  std::optional<Instant> owed_until() const;

  // --- What enters
  // ---------------------------------------------------------------------------------- Called
  // before something enters, to bring the time up to date with advance().
  void before_input(std::function<void()> before) { before_input_ = std::move(before); }
  // Hears of each input before it takes effect.
  void record_to(std::function<void(const Entry&)> recorder) { recorder_ = std::move(recorder); }
  // To the first API server that is up. Bearer tokens are turned into users here, so that no
  // recording holds one. Answers 503 while no server is up.
  void handle(rest::HttpRequest request, rest::ExchangePtr exchange) override;
  // Who sends this request: the user of its certificate or token; none: nobody we know. A token is
  // taken out of the request.
  std::optional<auth::UserInfo> identify(rest::HttpRequest& request);
  // `fault` as parse_fault() takes it; without `for` a fault lasts until it is healed, unless it is
  // one that ends by itself. The number of what it has begun (which may have ended already);
  // `denied`: there was nothing to break. Error: `invalid`, what is wrong with the text.
  Result<uint64_t> inject(const std::string& fault);
  // False: no such fault lasts.
  bool heal(uint64_t fault);
  // The last thing that enters: where the recording ends.
  void end();

  // Before a replay: the recorded answers of the signer, in order.
  void expect_signing(std::string answer);
  // Brings the world to where the entry belongs, and lets it enter. Error: `conflict`, if it does
  // not fit: something else has happened than when it was recorded.
  Status replay(const Entry& entry);

  // --- What is to be seen
  // ---------------------------------------------------------------------------
  World& world() { return *world_; }
  const World& world() const { return *world_; }
  const Injector& injector() const { return *injector_; }
  std::vector<LastingFault> faults();
  // The last notes, oldest first; `first_note()` counts those that are not kept any more.
  const std::deque<Note>& notes() const { return notes_; }
  uint64_t first_note() const { return notes_dropped_; }
  // Null: nothing is checked.
  const CheckSuite* checks() const { return checks_.get(); }
  uint64_t hash() const { return world_->engine_digest(); }
  // An API server is up and has loaded its state.
  bool ready();
  // Nodes that the API says are Ready.
  std::size_t ready_nodes();
  std::size_t exchanges() const { return exchanges_->size(); }

 private:
  void enter(Input input, rest::ExchangePtr connection = nullptr);
  void apply(const Input& input, rest::ExchangePtr connection);
  void apply_request(const Input& input, rest::ExchangePtr connection);
  bool run(Instant until, uint64_t events_max);
  void note(const Note& note);
  // The process of the first API server that is up; null: none is.
  Process* open_server(LiveFront** front);

  LiveOptions options_;
  std::function<void()> before_input_;
  std::function<void(const Entry&)> recorder_;
  std::unique_ptr<CheckSuite> checks_;
  Instant checked_until_{};
  std::map<const ApiServerProcess*, std::unique_ptr<LiveFront>> fronts_;
  std::deque<Note> notes_;
  uint64_t notes_dropped_ = 0;
  std::string* told_by_fault_ = nullptr;  // collects what a fault says of itself
  std::map<uint64_t, LastingFault> faults_;
  uint64_t last_exchange_ = 0;
  bool running_ = false;
  bool letting_in_ = false;
  std::vector<std::pair<Input, rest::ExchangePtr>> waiting_;  // came while running
  std::unique_ptr<RecordedSigner> signer_;
  std::unique_ptr<World> world_;
  std::unique_ptr<Exchanges> exchanges_;
  std::unique_ptr<Injector> injector_;
};

}  // namespace keelson::sim
