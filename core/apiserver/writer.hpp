// Runs operations: commits what they want on condition of what they saw, again where memory turned
// out to be stale, and finds out what became of a commit whose answer was lost.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "core/apiserver/freshness.hpp"
#include "core/apiserver/pipeline/operation.hpp"

namespace keelson::apiserver {

class Writer {
 public:
  Writer(const Context& context, store::Store& store, Freshness& freshness);

  // `done` comes from a later turn of the loop.
  void run(OperationPtr operation, Callback<void(Response)> done);
  // The cache was loaded anew: what became of a commit in doubt cannot be found out any more.
  void history_lost();

 private:
  void step(const OperationPtr& operation);
  void refresh(const OperationPtr& operation);
  void commit(const OperationPtr& operation, Attempt attempt);
  int retries(const Operation& operation) const;
  void committed(const OperationPtr& operation, Result<store::Committed> outcome);
  void look_again(const OperationPtr& operation);
  void refuse(const OperationPtr& operation, ApiError error);
  bool cleared_up(const OperationPtr& operation);
  bool landed(const OperationPtr& operation, const Operation::Sent& sent);
  void preview(const OperationPtr& operation, const Attempt& attempt);
  void finish(const OperationPtr& operation, Response response);
  void next_in(const std::string& lane);
  ApiError doubt() const;

  const Context& context_;
  store::Store& store_;
  Freshness& freshness_;
  // The first of a lane is running.
  std::map<std::string, std::deque<OperationPtr>> lanes_;
  std::vector<OperationPtr> in_doubt_;  // to be looked for again
  Timer doubt_timer_;
  Lifeline life_;
};

}  // namespace keelson::apiserver
