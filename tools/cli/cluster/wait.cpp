// wait: until objects are as they should be. Looks again and again rather than watching: the same
// code serves conditions, JSON paths, creation and deletion, and a missed event cannot make it
// hang.
#include <fmt/format.h>

#include "tools/cli/cluster/human.hpp"
#include "tools/cli/cluster/jsonpath.hpp"
#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(250);

std::string lowered(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  return text;
}

struct Goal {
  enum class Kind : uint8_t { deleted, created, condition, path } kind = Kind::created;
  std::string condition, value;
  bool any_value = false;
  std::optional<JsonPath> path;

  // Of an object that is there.
  Result<bool> met(const Json& object) const {
    if (kind == Kind::deleted) return false;
    if (kind == Kind::created) return true;
    if (kind == Kind::path) {
      auto values = path->values(object);
      // An index beyond the end of a list may be within it later.
      if (!values || values->empty()) return false;
      if (values->size() > 1)
        return usage_error("given jsonpath expression matches more than one value");
      return any_value || scalar_text(*values->front()) == value;
    }
    const int64_t generation = number_at(object, "metadata.generation");
    for (const Json& one : list_at(object, "status.conditions")) {
      if (lowered(text_at(one, "type")) != lowered(condition)) continue;
      // A judgement of an older state does not count.
      if (find(one, "observedGeneration") && number_at(one, "observedGeneration") < generation)
        return false;
      if (find(object, "status.observedGeneration") &&
          number_at(object, "status.observedGeneration") < generation)
        return false;
      return lowered(text_at(one, "status")) == lowered(value);
    }
    return false;
  }
};

Result<Goal> goal_of(const std::string& text) {
  Goal goal;
  if (lowered(text) == "delete") {
    goal.kind = Goal::Kind::deleted;
    return goal;
  }
  if (lowered(text) == "create") return goal;
  if (text.starts_with("condition=")) {
    goal.kind = Goal::Kind::condition;
    const std::string rest = text.substr(10);
    const auto equals = rest.find('=');
    goal.condition = rest.substr(0, equals);
    goal.value = equals == std::string::npos ? "true" : rest.substr(equals + 1);
    return goal;
  }
  if (text.starts_with("jsonpath=")) {
    goal.kind = Goal::Kind::path;
    std::string rest = text.substr(9);
    // "{...}=value": the value begins after the expression, whose filters have "=" of their own.
    const auto close = rest.rfind('}');
    const auto equals = rest.find('=', close == std::string::npos ? 0 : close);
    goal.any_value = equals == std::string::npos;
    if (!goal.any_value) {
      goal.value = rest.substr(equals + 1);
      rest.resize(equals);
      if (goal.value.empty()) return usage_error("jsonpath wait value cannot be empty");
      const char quote = goal.value[0];
      if ((quote == '\'' || quote == '"') && goal.value.size() > 1 && goal.value.back() == quote) {
        goal.value = goal.value.substr(1, goal.value.size() - 2);
      }
    }
    auto path = JsonPath::parse_relaxed(rest);
    if (!path) return usage_error(path.error().message);
    goal.path = *path;
    return goal;
  }
  return usage_error(fmt::format("unrecognized condition: \"{}\"", text));
}

class Waiter {
 public:
  Waiter(Session& session, Goal goal, Duration timeout)
      : session_(session), goal_(std::move(goal)), timeout_(timeout), begin_(session.io.now()) {}

  Status wait_for(const Target& target, const std::string& uid) {
    for (;;) {
      auto reply = session_.api.call({.path = target.resource.path(target.ns, target.name)});
      if (!reply) return reply.error();
      const bool gone = reply->status == 404;
      if (!gone && reply->status >= 400) return failure_of(*reply);
      const Json object = gone ? Json() : parse_tree(reply->body);
      const bool replaced = !uid.empty() && text_at(object, "metadata.uid") != uid;
      if (goal_.kind == Goal::Kind::deleted && (gone || replaced)) {
        session_.io.out(target.resource.called(target.name) + " condition met\n");
        return {};
      }
      if (gone && goal_.kind != Goal::Kind::created) return failure_of(*reply);
      if (!gone) {
        auto met = goal_.met(object);
        if (!met) return met.error();
        if (*met) {
          session_.io.out(target.resource.called(target.name) + " condition met\n");
          return {};
        }
      }
      if (timeout_.count() == 0 || session_.io.now().unix_ns - begin_.unix_ns >= timeout_.count()) {
        return usage_error(fmt::format("timed out waiting for the condition on {}/{}",
                                       target.resource.plural, target.name));
      }
      session_.io.sleep(kLookEvery);
    }
  }

 private:
  Session& session_;
  Goal goal_;
  Duration timeout_;
  WallTime begin_;
};

Status wait(Session& session) {
  auto goal = goal_of(session.flags.get("for"));
  if (!goal) return goal.error();
  auto timeout = parse_duration(session.flags.get("timeout", "30s"));
  if (!timeout) return usage_error("invalid --timeout: " + session.flags.get("timeout"));
  // Less than nothing is a week, as kubectl has it.
  if (timeout->count() < 0) timeout = std::chrono::hours(24 * 7);
  auto selection = select(session, session.flags.args());
  if (!selection) return selection.error();
  Waiter waiter(session, *goal, *timeout);
  std::vector<std::pair<Target, std::string>> targets;  // with the uid that is waited for
  for (const Target& target : selection->targets) {
    if (!target.name.empty()) {
      auto reply = session.api.call({.path = target.resource.path(target.ns, target.name)});
      if (!reply) return reply.error();
      if (reply->status == 404 && goal->kind == Goal::Kind::created) {
        targets.push_back({target, ""});
        continue;
      }
      if (reply->status == 404 && goal->kind == Goal::Kind::deleted) continue;
      if (reply->status >= 400) {
        session.complain(failure_of(*reply));
        continue;
      }
      targets.push_back({target, text_at(parse_tree(reply->body), "metadata.uid")});
      continue;
    }
    if (!session.flags.on("all") && !session.flags.has("selector") &&
        !session.flags.has("field-selector")) {
      return usage_error("resource(s) were provided, but no name was specified");
    }
    auto list = session.list(target.resource.path(target.ns), selector_query(session.flags));
    if (!list) return list.error();
    for (const Json& item : list_at(*list, "items")) {
      targets.push_back({{target.resource, text_at(item, "metadata.namespace"),
                          text_at(item, "metadata.name"), nullptr},
                         text_at(item, "metadata.uid")});
    }
  }
  if (targets.empty()) {
    if (session.exit_code != 0 || goal->kind == Goal::Kind::deleted) return {};
    return usage_error("no matching resources found");
  }
  for (const auto& [target, uid] : targets) {
    if (auto ok = waiter.wait_for(target, uid); !ok) session.complain(ok.error());
  }
  return {};
}

}  // namespace

std::vector<Verb> wait_verbs() {
  return {{"wait", "TYPE/NAME... --for=CONDITION", "until objects are as they should be",
           with_selection(
               {{"for", "WHAT",
                 "condition=Ready[=False], jsonpath='{.status.phase}'=Running, create or delete"},
                {"timeout", "TIME", "30s by default; 0: look once; below 0: a week"}}),
           wait, "  keelson wait deployment/kel --for=condition=Available --timeout=60s\n"}};
}

}  // namespace keelson::cli
