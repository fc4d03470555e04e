// The verbs of a simulated cluster (`keelson up`): its clock and its faults.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <map>

#include "tools/cli/cluster/tabs.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

constexpr std::string_view kPath = "/keelson/v1/sim/";

// What people call things.
const std::map<std::string, std::string, std::less<>> kAliases = {
    {"crash", "node-crash"}, {"hang", "agent-pause"}, {"isolate", "partition"}};

Result<Json> ask(Session& session, const std::string& method, std::string_view path,
                 const Json& body = {}) {
  ApiRequest request{.method = method, .path = std::string(kPath) + std::string(path)};
  if (!body.is_null()) {
    request.content_type = "application/json";
    request.body = boost::json::serialize(body);
  }
  auto reply = session.api.call(request);
  if (!reply) return reply.error();
  const std::string text = text_at(parse_tree(reply->body), "message");
  if (reply->status == 404 && !text.starts_with("no fault ")) {
    return usage_error("this cluster is not a simulated one: there is no " + request.path + " at " +
                       session.api.server() + " (see `keelson up`)");
  }
  if (reply->status == 400 || reply->status == 404 || reply->status == 409) return usage_error(text);
  if (reply->status >= 400) return failure_of(*reply);
  return parse_tree(reply->body);
}

// --- The clock --------------------------------------------------------------------------------------

Status print_clock(Session& session, const Result<Json>& clock) {
  if (!clock) return clock.error();
  const bool paused = true_at(*clock, "paused");
  std::string text = fmt::format("{}  {} since the start, {}", text_at(*clock, "date"),
                                 text_at(*clock, "elapsed"),
                                 paused ? "paused" : "speed " + text_at(*clock, "speed"));
  if (const std::string lag = text_at(*clock, "lag"); !paused && lag != "0s") {
    text += fmt::format(", {} behind", lag);
  }
  if (const std::string slipped = text_at(*clock, "slipped"); slipped != "0s") {
    text += fmt::format(" ({} given up so far)", slipped);
  }
  session.io.out(text + "\n");
  return {};
}

Status no_more_than(const Session& session, std::size_t count, const char* usage) {
  if (session.flags.args().size() <= count) return {};
  return usage_error(fmt::format("unexpected argument \"{}\"; see: keelson {}",
                                 session.flags.args()[count], usage));
}

Status clock(Session& session) {
  if (const Status ok = no_more_than(session, 0, "clock [pause|resume|speed X|step TIME]"); !ok) return ok;
  return print_clock(session, ask(session, "GET", "clock"));
}
Status pause_clock(Session& session) {
  if (const Status ok = no_more_than(session, 0, "clock pause"); !ok) return ok;
  return print_clock(session, ask(session, "PUT", "clock", JsonObject{{"paused", true}}));
}
Status resume_clock(Session& session) {
  if (const Status ok = no_more_than(session, 0, "clock resume"); !ok) return ok;
  return print_clock(session, ask(session, "PUT", "clock", JsonObject{{"paused", false}}));
}
Status speed(Session& session) {
  if (session.flags.args().size() != 1) return usage_error("how fast? (keelson clock speed 10)");
  return print_clock(session,
                     ask(session, "PUT", "clock", JsonObject{{"speed", session.flags.args()[0]}}));
}
Status step(Session& session) {
  if (const Status ok = no_more_than(session, 1, "clock step [TIME]"); !ok) return ok;
  const std::string by = session.flags.args().empty() ? "1s" : session.flags.args()[0];
  return print_clock(session, ask(session, "POST", "clock/step", JsonObject{{"for", by}}));
}

// --- Faults -----------------------------------------------------------------------------------------

Status list(Session& session) {
  if (const Status ok = no_more_than(session, 0, "fault list"); !ok) return ok;
  const auto answer = ask(session, "GET", "faults");
  if (!answer) return answer.error();
  const JsonArray& active = list_at(*answer, "active");
  if (active.empty()) {
    session.io.out("No fault is active.\n");
    return {};
  }
  std::string table = "ID\tFAULT\tSINCE\tFOR\tWHAT\n";
  for (const Json& fault : active) {
    table += fmt::format("{}\t{}\t{}\t{}\t{}\n", text_at(fault, "id"), text_at(fault, "fault"),
                         text_at(fault, "since"), text_at(fault, "for"), text_at(fault, "what"));
  }
  session.io.out(align_tabs(table, {.width_min = 0, .padding = 3}));
  return {};
}

Status kinds(Session& session) {
  if (const Status ok = no_more_than(session, 0, "fault kinds"); !ok) return ok;
  const auto answer = ask(session, "GET", "faults");
  if (!answer) return answer.error();
  std::string table = "KIND\tFLAGS\tWHAT\n";
  for (const Json& kind : list_at(*answer, "kinds")) {
    table += fmt::format("{}\t{}\t{}\n", text_at(kind, "name"), text_at(kind, "parameters"),
                         text_at(kind, "what"));
  }
  session.io.out(align_tabs(table, {.width_min = 0, .padding = 3}));
  return {};
}

Status heal(Session& session) {
  if (session.flags.args().size() != 1) return usage_error("which fault? (keelson fault heal ID, or all)");
  const std::string& id = session.flags.args()[0];
  const auto answer =
      ask(session, "DELETE", id == "all" ? std::string("faults") : "faults/" + encode_query(id));
  if (!answer) return answer.error();
  const int64_t healed = number_at(*answer, "healed");
  session.io.out(fmt::format("{} fault{} healed\n", healed, healed == 1 ? "" : "s"));
  return {};
}

bool is_process(std::string_view target) {
  return target.starts_with("api-") || target.starts_with("controller-manager-") ||
         target.starts_with("scheduler-");
}

// What the second word of `fault KIND TARGET` means for this kind.
std::string_view target_field(std::string_view kind, std::string_view target) {
  if (kind == "zone-loss") return "zone";
  if (kind.starts_with("leader-")) return "role";
  if (is_process(target) || kind == "api-server-restart" || kind == "watch-stall" ||
      kind == "stale-api-server") {
    return "process";
  }
  return "node";
}

Status inject(Session& session) {
  const auto& args = session.flags.args();
  if (args.empty()) {
    return usage_error("which fault? (keelson fault crash node-1; `keelson fault kinds` lists them)");
  }
  if (const Status ok = no_more_than(session, 2, "fault KIND [TARGET]"); !ok) return ok;
  const auto alias = kAliases.find(args[0]);
  const std::string kind = alias == kAliases.end() ? args[0] : alias->second;
  JsonObject fault;
  fault["fault"] = kind;
  if (args.size() == 2) fault[target_field(kind, args[1])] = args[1];
  for (const char* field : {"for", "zone", "process", "role", "resource", "share", "by"}) {
    if (session.flags.has(field)) fault[field] = session.flags.get(field);
  }
  for (const char* field : {"count", "rate"}) {
    if (!session.flags.has(field)) continue;
    const auto number = session.flags.number(field, 0);
    if (!number) return usage_error(fmt::format("--{}: {}", field, number.error().message));
    fault[field] = *number;
  }
  const auto answer = ask(session, "POST", "faults", fault);
  if (!answer) return answer.error();
  session.io.out(fmt::format("{}: {}\n", text_at(*answer, "id"), text_at(*answer, "what")));
  return {};
}

}  // namespace

std::vector<Verb> simulation_verbs() {
  return {
      {"fault", "KIND [TARGET]", "let something go wrong in a simulated cluster",
       {{"for", "TIME", "for how long; without it until it is healed"},
        {"zone", "NAME", "of the nodes"},
        {"count", "N", "how many nodes"},
        {"process", "NAME", "of the control plane: api-0, scheduler-0, controller-manager-0"},
        {"role", "NAME", "the process that leads in it: scheduler, controller-manager"},
        {"resource", "KIND", "slow-watch: only watches of this kind"},
        {"share", "PERCENT", "of requests, messages, containers: 2%"},
        {"by", "TIME", "how late, how far"},
        {"rate", "PERCENT", "clock-rate: of a right clock's"}},
       inject,
       "  keelson fault crash node-3 --for 30s\n"
       "  keelson fault partition node-1\n"
       "  keelson fault lost-reply --share 2%\n"
       "  keelson fault api-server-restart api-0\n"},
      {"fault list", "", "the faults that are active in a simulated cluster", {}, list},
      {"fault kinds", "", "what can go wrong in a simulated cluster", {}, kinds},
      {"fault heal", "ID|all", "end a fault", {}, heal},
      {"clock", "", "what time it is in a simulated cluster", {}, clock},
      {"clock pause", "", "stop a simulated cluster's time", {}, pause_clock},
      {"clock resume", "", "let it pass again", {}, resume_clock},
      {"clock speed", "X", "virtual seconds per second, 0.1 to 1000", {}, speed},
      {"clock step", "[TIME]", "pause, and let so much time pass (1s)", {}, step},
  };
}

}  // namespace keelson::cli
