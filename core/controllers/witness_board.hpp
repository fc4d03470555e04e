// Keeps the ConfigMap kube-system/keelson-witnesses equal to the questions that are open. One write
// is on its way at a time, so that questions which come up meanwhile share the next one.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "core/api/request.hpp"
#include "core/base/callback.hpp"

namespace keelson::controllers {

class WitnessBoard {
 public:
  // `send` stamps and sends a request; the callbacks must not outlive the board.
  using Send = std::function<void(api::Request, Callback<void(api::Response)>)>;
  explicit WitnessBoard(Send send) : send_(std::move(send)) {}

  using Questions = std::map<std::string, std::string>;  // suspect -> "<round> <witness> ..."
  void set(Questions questions);
  // Tries again what failed; called now and then.
  void sync();
  bool settled() const { return loaded_ && !busy_ && shown() == wanted_; }

 private:
  Questions shown() const;
  void load();
  void write();

  Send send_;
  Questions wanted_;
  api::ObjectPtr current_;  // null: does not exist
  bool loaded_ = false;
  bool busy_ = false;
};

}  // namespace keelson::controllers
