// scale: how many replicas there shall be.
#include <fmt/format.h>

#include "tools/cli/cluster/human.hpp"
#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

Status scale_one(Session& session, const Found& found, int64_t replicas) {
  const auto current = session.flags.number("current-replicas", -1);
  if (!current) return current.error();
  Json body{{"spec", {{"replicas", replicas}}}};
  if (session.flags.has("resource-version")) {
    at_path(body, "metadata.resourceVersion") = session.flags.get("resource-version");
  }
  if (*current >= 0) {
    auto scale = session.get(found.path("scale"));
    if (!scale) return scale.error();
    const int64_t now = number_at(*scale, "spec.replicas");
    if (now != *current) {
      return usage_error(fmt::format("Expected replicas to be {}, was {}", *current, now));
    }
    at_path(body, "metadata.resourceVersion") = text_at(*scale, "metadata.resourceVersion");
  }
  if (session.dry_run() != "client") {
    auto scaled = session.send("PATCH", found.path("scale"), body, patch::merge);
    if (!scaled) return scaled.error();
  }
  return session.report(found.resource, found.object, "scaled");
}

Status wait_scaled(Session& session, const Found& found, int64_t replicas, Duration timeout) {
  const WallTime begin = session.io.now();
  for (;;) {
    auto object = session.get(found.path());
    if (!object) return object.error();
    if (number_at(*object, "status.observedGeneration") >=
            number_at(*object, "metadata.generation") &&
        number_at(*object, "status.replicas") == replicas) {
      return {};
    }
    if (session.io.now().unix_ns - begin.unix_ns > timeout.count()) {
      return usage_error("timed out waiting for " + found.called() + " to be synced");
    }
    session.io.sleep(std::chrono::milliseconds(500));
  }
}

Status scale(Session& session) {
  if (!session.flags.has("replicas")) return usage_error("required flag(s) \"replicas\" not set");
  const auto replicas = session.flags.number("replicas", 0);
  if (!replicas) return replicas.error();
  if (*replicas < 0) {
    return usage_error(fmt::format(
        "The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0"));
  }
  const auto timeout = parse_duration(session.flags.get("timeout", "0s"));
  if (!timeout) return usage_error("invalid --timeout: " + session.flags.get("timeout"));
  auto found = fetch(session, session.flags.args(), true);
  if (!found) return found.error();
  if (found->empty() && session.exit_code == 0) return usage_error("no objects passed to scale");
  for (const Found& one : *found) {
    Status done = scale_one(session, one, *replicas);
    if (done && timeout->count() > 0) done = wait_scaled(session, one, *replicas, *timeout);
    if (!done) session.complain(done.error());
  }
  return {};
}

}  // namespace

std::vector<Verb> scale_verbs() {
  return {{"scale", "TYPE/NAME... --replicas=N", "set the number of replicas",
           with_report(with_selection(
               {{"replicas", "N", "how many"},
                {"current-replicas", "N", "only if there are so many now"},
                {"resource-version", "VERSION", "only if this is the object's version"},
                {"timeout", "TIME", "wait so long for it to be done; 0: do not wait"}})),
           scale, "  keelson scale deployments/kel --replicas=4\n"}};
}

}  // namespace keelson::cli
