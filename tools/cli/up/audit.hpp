// The audit log: for each request that has been answered an Event of audit.k8s.io/v1 at level
// Metadata, one line of JSON each: who did what to which object, and with what outcome; never
// bodies. Source: Kubernetes' kube-apiserver --audit-log-path with the JSON format.
#pragma once

#include <cstdio>
#include <functional>
#include <string>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/rest/http.hpp"

namespace keelson::cli {

class AuditLog {
 public:
  // `date` tells the time of the cluster.
  explicit AuditLog(std::function<WallTime()> date) : date_(std::move(date)) {}
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // A file to append to, for its owner alone; "-" is standard error.
  Status open(const std::string& file);
  bool active() const { return file_ != nullptr; }
  // An exchange in whose place the given one is answered; the log must outlive it.
  rest::ExchangePtr follow(const rest::HttpRequest& request, rest::ExchangePtr exchange);

 private:
  class Followed;
  void write(const std::string& line);

  std::function<WallTime()> date_;
  std::FILE* file_ = nullptr;
};

}  // namespace keelson::cli
