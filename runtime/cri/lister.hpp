// Lists what runs on the node: two lists, then the status of whatever they say something new about.
#pragma once

#include <functional>

#include "core/base/log.hpp"
#include "runtime/cri/client.hpp"
#include "runtime/cri/exit_watch.hpp"
#include "runtime/cri/inventory.hpp"
#include "runtime/cri/pod_files.hpp"

namespace keelson::cri {

class Lister {
 public:
  // `on_listed`: after each list, with the inventory up to date.
  Lister(runtime::AsioLoop& loop, Log& log, Client& client, const CriOptions& options,
         Inventory& inventory, const PodFiles& files, std::function<void()> on_listed);

  // One at a time: what is asked for meanwhile is answered by one that begins afterwards, for no
  // list may be older than its question.
  void list(Done<agent::RuntimeState> done);
  // A container that was started just now: its end is to be noticed before the next list, too.
  void look_at(const std::string& id);
  void on_hint(Callback<void()> hint) { hint_ = std::move(hint); }

 private:
  struct Run;
  using RunPtr = std::shared_ptr<Run>;
  void begin();
  void end(const RunPtr& run, const Result<agent::RuntimeState>& result);
  void on_lists(const RunPtr& run);
  void ask_next(const RunPtr& run);
  void ask_sandbox(const RunPtr& run, const std::string& id);
  void ask_container(const RunPtr& run, const std::string& id);
  void on_status(const RunPtr& run, const Status& status);
  void finish(const RunPtr& run);
  void read_message(KnownContainer& known) const;
  void watch_exits();
  void end_lost(const std::string& id);

  runtime::AsioLoop& loop_;
  Log& log_;
  Client& client_;
  const CriOptions& options_;
  Inventory& inventory_;
  const PodFiles& files_;
  std::function<void()> on_listed_;
  Callback<void()> hint_;
  ExitWatch watch_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
  bool listing_ = false;
  std::vector<Done<agent::RuntimeState>> waiting_;
};

}  // namespace keelson::cri
