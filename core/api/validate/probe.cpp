// Probes and lifecycle hooks.
#include "core/api/validate/names.hpp"
#include "core/api/validate/validators.hpp"

namespace keelson::api {
namespace {

// Counts the actions of a handler: one is right, each beyond the first is refused by name.
class OneHandler {
 public:
  OneHandler(Errors& errors, const Path& path) : errors_(errors), path_(path) {}
  // True if the handler is to be judged further.
  bool add(bool present, std::string_view name) {
    if (!present) return false;
    if (count_++ == 0) return true;
    errors_.forbidden(path_.child(name), "may not specify more than 1 handler type");
    return false;
  }
  void finish() {
    if (count_ == 0) errors_.required(path_, "must specify a handler type");
  }

 private:
  Errors& errors_;
  const Path& path_;
  int count_ = 0;
};

void validate_exec(Errors& errors, const Path& path, const ExecAction& exec) {
  if (exec.command().empty()) errors.required(path.child("command"));
}

void validate_http(Errors& errors, const Path& path, const HTTPGetAction& http) {
  if (http.path().empty()) errors.required(path.child("path"));
  check_port_or_name(errors, path.child("port"), http.port());
  check_one_of<HTTPGetAction>(errors, path.child("scheme"), HTTPGetAction::kSchemeFieldNumber,
                              http.scheme());
  for (const HTTPHeader& header : http.http_headers()) {
    errors.invalid(path.child("httpHeaders"), header.name(), check_http_header_name(header.name()));
  }
}

void validate_hook(Errors& errors, const Path& path, const LifecycleHandler& hook) {
  OneHandler one(errors, path);
  if (one.add(hook.has_exec(), "exec")) validate_exec(errors, path.child("exec"), hook.exec());
  if (one.add(hook.has_http_get(), "httpGet")) {
    validate_http(errors, path.child("httpGet"), hook.http_get());
  }
  if (one.add(hook.has_tcp_socket(), "tcpSocket")) {
    check_port_or_name(errors, path.child("tcpSocket.port"), hook.tcp_socket().port());
  }
  if (one.add(hook.has_sleep(), "sleep")) {
    check_nonnegative(errors, path.child("sleep.seconds"), hook.sleep().seconds());
  }
  one.finish();
}

}  // namespace

void validate_probe(Errors& errors, const Path& path, const Probe& probe) {
  const ProbeHandler& handler = probe.handler();
  OneHandler one(errors, path);
  if (one.add(handler.has_exec(), "exec")) {
    validate_exec(errors, path.child("exec"), handler.exec());
  }
  if (one.add(handler.has_http_get(), "httpGet")) {
    validate_http(errors, path.child("httpGet"), handler.http_get());
  }
  if (one.add(handler.has_tcp_socket(), "tcpSocket")) {
    check_port_or_name(errors, path.child("tcpSocket.port"), handler.tcp_socket().port());
  }
  if (one.add(handler.has_grpc(), "grpc")) {
    check_port(errors, path.child("grpc.port"), handler.grpc().port());
  }
  one.finish();
  check_nonnegative(errors, path.child("initialDelaySeconds"), probe.initial_delay_seconds());
  check_nonnegative(errors, path.child("timeoutSeconds"), probe.timeout_seconds());
  check_nonnegative(errors, path.child("periodSeconds"), probe.period_seconds());
  check_nonnegative(errors, path.child("successThreshold"), probe.success_threshold());
  check_nonnegative(errors, path.child("failureThreshold"), probe.failure_threshold());
  if (probe.has_termination_grace_period_seconds() &&
      probe.termination_grace_period_seconds() <= 0) {
    errors.invalid(path.child("terminationGracePeriodSeconds"),
                   probe.termination_grace_period_seconds(), "must be greater than 0");
  }
}

void validate_lifecycle(Errors& errors, const Path& path, const Lifecycle& lifecycle) {
  if (lifecycle.has_post_start()) {
    validate_hook(errors, path.child("postStart"), lifecycle.post_start());
  }
  if (lifecycle.has_pre_stop()) {
    validate_hook(errors, path.child("preStop"), lifecycle.pre_stop());
  }
}

}  // namespace keelson::api
