// Plays a scenario against real hosts on this machine: makes them, does what the timeline says when it says
// so, watches what the API tells of it, and ends when everything has settled.
//
//   Play play(scenario, making);
//   if (std::string why = play.make(); !why.empty()) ...
//   History history = play.run(seed);
//   play.clean();                            // and once more
//
// Time is real time. Belongs to one thread; has several of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/base/rng.hpp"
#include "sim/run/narrator.hpp"
#include "sim/scenario/scenario.hpp"
#include "tools/cli/real/clients.hpp"
#include "tools/cli/real/faults.hpp"
#include "tools/cli/real/history.hpp"
#include "tools/cli/real/observer.hpp"
#include "tools/hosts/hosts.hpp"

namespace keelson::real {

class Play {
 public:
  using Clock = std::chrono::steady_clock;

  // REQUIRES: impossible(scenario) is empty. The scenario must outlive it.
  Play(const sim::Scenario& scenario, hosts::Making making);
  // Takes the hosts down, which takes some seconds.
  ~Play();

  // Makes the hosts and the cluster, some 20 s. What went wrong; empty: nothing.
  std::string make();
  // Hears each line of the timeline as it is told, on one thread at a time.
  void tell(std::function<void(const sim::Note&)> listener) { listener_ = std::move(listener); }
  // Plays the timeline once. `seed` chooses where the scenario leaves it open. Called between turns, `stop`
  // ends it before its time.
  History run(uint64_t seed, const std::function<bool()>& stop);
  // The same story with another timeline, from the next run on; it must outlive this, too.
  void tell_instead(const sim::Scenario& scenario) { scenario_ = &scenario; }
  // Undoes what lasts forever, and removes what the timeline has made. What went wrong; empty: nothing.
  std::string clean();

  // Writes down what the cluster has left of its history so far (record_files.hpp), with what this has seen
  // of it: machines, what the API has told, and that it has settled if the last run has.
  Status record(const std::string& directory);

  std::string logs() const { return hosts_ ? hosts_->logs() : ""; }

 private:
  struct Due {
    std::string what;
    std::function<void()> act;
  };

  std::string join(const Place& place);
  std::string watch();
  void hear(Clock::time_point at, const api::ObjectPtr& object, const api::ObjectPtr& previous);
  void machine(const std::string& node, bool powered, bool reachable);
  void note(Level level, std::string source, std::string text);
  Duration now() const { return Clock::now() - begin_; }

  void schedule();
  void begin(std::size_t entry);
  // Does what is due; false: nothing will be due any more.
  bool turn();
  void act(const sim::UserAction& action);
  void apply_manifests();
  // keelson WORDS on the control plane's host, again while the server is away. `input`: for -f -.
  void user(std::vector<std::string> words, const std::string& input = {});
  hosts::Outcome keelson(const std::vector<std::string>& words, const std::string& input,
                         std::chrono::seconds limit);
  void join_users();
  // What is not as it was asked for yet; empty: everything has settled.
  std::string pending() const;
  // False: it did not hold for that long without a break within the limit.
  bool wait_for(const std::function<bool()>& holds, Duration for_how_long, Duration limit,
                const std::function<bool()>& stop);

  const sim::Scenario* scenario_;
  const hosts::Making making_;
  std::vector<Place> places_;
  std::unique_ptr<hosts::Hosts> hosts_;
  std::unique_ptr<Clients> clients_;
  std::unique_ptr<Rng> rng_;
  std::unique_ptr<Stage> stage_;
  std::multimap<Duration, Due> due_;
  std::vector<std::function<void()>> forever_;  // undoes what lasts forever
  std::set<std::string> booting_;  // nodes that have power again and are not ready yet
  std::vector<std::thread> users_;
  std::atomic<int> busy_ = 0;
  std::atomic<bool> over_ = false;
  std::function<void(const sim::Note&)> listener_;

  mutable std::mutex mutex_;  // of what the observer's threads touch
  bool playing_ = false;
  Clock::time_point begin_{};
  History history_;
  std::string record_;  // lines
  std::unique_ptr<sim::Narrator> narrator_;
  std::unique_ptr<Observer> observer_;  // last: its threads use all of the above
};

// A word as bash takes it.
std::string shell_word(const std::string& word);

}  // namespace keelson::real
