#include "sim/live/control.hpp"

#include <boost/json.hpp>

#include <charconv>

#include "core/api/time_text.hpp"
#include "sim/live/answers.hpp"
#include "sim/scenario/reader.hpp"

namespace keelson::sim {

namespace json = boost::json;

namespace {

constexpr Duration kStepMax = 24h;

std::string date_text(WallTime date) {
  return api::format_seconds(date.unix_ns / 1'000'000'000,
                             static_cast<int32_t>(date.unix_ns % 1'000'000'000), true);
}

rest::HttpResponse bad_request(std::string_view message) {
  return failure(400, "BadRequest", message);
}
rest::HttpResponse not_found(std::string_view message) {
  return failure(404, "NotFound", message);
}

// The body as an object; an empty body is an empty one.
Result<json::object> object_in(const std::string& body) {
  if (body.find_first_not_of(" \t\r\n") == std::string::npos) return json::object();
  json::error_code error;
  json::value value = json::parse(body, error);
  if (error || !value.is_object()) return Error{Code::invalid, "the body is no JSON object"};
  return std::move(value.as_object());
}

struct ClockChange {
  std::optional<int64_t> speed;
  std::optional<bool> paused;
};

Result<ClockChange> clock_change(const std::string& body) {
  const auto object = object_in(body);
  if (!object) return object.error();
  ClockChange change;
  for (const auto& item : *object) {
    const json::value& value = item.value();
    if (item.key() == "paused" && value.is_bool()) {
      change.paused = value.as_bool();
    } else if (item.key() == "speed" && (value.is_number() || value.is_string())) {
      const auto speed = parse_speed(
          value.is_string()   ? std::string(value.as_string())
          : value.is_double() ? format_speed(static_cast<int64_t>(
                                    std::min(std::max(value.as_double(), 0.0), 1e6) * 1000))
                              : json::serialize(value));
      if (!speed) return Error{Code::invalid, "speed: " + speed.error().message};
      change.speed = *speed;
    } else {
      return Error{Code::invalid, std::string(item.key()) +
                                      ": expected speed (a number) or paused (true or false)"};
    }
  }
  return change;
}

json::object to_json(const LastingFault& fault) {
  json::object out;
  out["id"] = fault.number;
  out["fault"] = fault.spec.kind;
  out["what"] = fault.what;
  out["since"] = format_duration(fault.since.time_since_epoch());
  out["for"] = fault.spec.forever ? "forever" : format_duration(fault.spec.lasts);
  return out;
}

}  // namespace

Control::Control(LiveWorld& world, Pacer& pacer, std::function<Duration()> real,
                 std::function<void()> changed)
    : world_(world), pacer_(pacer), real_(std::move(real)), changed_(std::move(changed)) {}

void Control::handle(rest::HttpRequest request, rest::ExchangePtr exchange) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  const auto user = world_.identify(request);
  if (!user) {
    return exchange->respond(failure(401, "Unauthorized", "Unauthorized"));
  }
  if (!request.header("Impersonate-User").empty()) {
    return exchange->respond(failure(403, "Forbidden", "the simulation does not know impersonation"));
  }
  if (!user->in_group(auth::kMasters)) {
    return exchange->respond(
        failure(403, "Forbidden",
                "forbidden: User \"" + user->name + "\" cannot use path \"" + path + "\""));
  }
  Call call{std::move(request.method), path.substr(kControlPath.size()), std::move(request.body)};
  while (call.path.ends_with('/')) call.path.pop_back();
  if (call.path == "clock") return clock(call, exchange);
  if (call.path == "clock/step") return step(call, exchange);
  if (call.path == "faults" || call.path.starts_with("faults/")) return faults(call, exchange);
  if (call.path == "timeline" && call.method == "GET") return timeline(exchange);
  exchange->respond(
      not_found("there is no " + path + "; there are clock, clock/step, faults, timeline"));
}

std::string Control::clock_text() const {
  json::object out;
  out["date"] = date_text(world_.date());
  out["elapsed"] = format_duration(world_.now().time_since_epoch());
  out["speed"] = format_speed(pacer_.speed());
  out["paused"] = pacer_.paused();
  out["lag"] = format_duration(pacer_.lag());
  out["slipped"] = format_duration(pacer_.slipped());
  out["events"] = world_.world().engine().events_run();
  out["seed"] = world_.world().options().seed;
  out["nodes"] = world_.world().nodes().size();
  return json::serialize(out) + "\n";
}

void Control::clock(const Call& call, const rest::ExchangePtr& exchange) {
  if (call.method == "PUT" || call.method == "PATCH") {
    const auto change = clock_change(call.body);
    if (!change) return exchange->respond(bad_request(change.error().message));
    if (change->speed) pacer_.set_speed(*change->speed, real_(), world_.now());
    if (change->paused && *change->paused != pacer_.paused()) {
      *change->paused ? pacer_.pause(real_(), world_.now()) : pacer_.resume(real_(), world_.now());
    }
    changed_();
  } else if (call.method != "GET") {
    return exchange->respond(failure(405, "MethodNotAllowed", "clock takes GET and PUT"));
  }
  exchange->respond(json_answer(200, clock_text()));
}

void Control::step(const Call& call, const rest::ExchangePtr& exchange) {
  if (call.method != "POST") {
    return exchange->respond(failure(405, "MethodNotAllowed", "clock/step takes POST"));
  }
  const auto object = object_in(call.body);
  if (!object) return exchange->respond(bad_request(object.error().message));
  const json::value* text = object->if_contains("for");
  const auto by = text != nullptr && text->is_string()
                      ? parse_duration(std::string(text->as_string()))
                  : text == nullptr && object->empty()
                      ? Result<Duration>(Duration{1s})
                      : Result<Duration>(Code::invalid, "expected {\"for\": \"1s\"}");
  if (!by) return exchange->respond(bad_request("for: " + by.error().message));
  if (*by <= Duration::zero() || *by > kStepMax) {
    return exchange->respond(bad_request("for: a step is from 1ns to a day long"));
  }
  pacer_.step(*by, real_(), world_.now());
  auto gone = std::make_shared<bool>(false);
  exchange->on_gone([gone] { *gone = true; });
  steps_.push_back({pacer_.target(real_()), exchange, std::move(gone)});
  changed_();
}

void Control::advanced() {
  std::erase_if(steps_, [&](const Step& step) {
    // Somebody who lets the clock run again ends all steps.
    if (!*step.gone && world_.now() < step.until && pacer_.paused()) return false;
    if (!*step.gone) step.exchange->respond(json_answer(200, clock_text()));
    return true;
  });
}

std::string Control::faults_text() const {
  json::object out;
  json::array& active = out["active"].emplace_array();
  for (const LastingFault& fault : world_.faults()) active.push_back(to_json(fault));
  json::object& happened = out["happened"].emplace_object();
  for (const auto& [kind, count] : world_.injector().counts()) happened[kind] = count.fired;
  json::array& kinds = out["kinds"].emplace_array();
  for (const FaultKind& kind : all_faults()) {
    json::object& one = kinds.emplace_back(json::object()).as_object();
    one["name"] = kind.name;
    one["what"] = kind.what;
    one["parameters"] = kind.parameters;
  }
  return json::serialize(out) + "\n";
}

void Control::faults(const Call& call, const rest::ExchangePtr& exchange) {
  if (call.path == "faults" && call.method == "GET") {
    return exchange->respond(json_answer(200, faults_text()));
  }
  if (call.path == "faults" && call.method == "POST") {
    const auto number = world_.inject(call.body);
    changed_();
    if (!number) {
      const bool denied = number.code() == Code::denied;
      return exchange->respond(denied ? failure(409, "Conflict", number.error().message)
                                      : bad_request(number.error().message));
    }
    for (const LastingFault& fault : world_.faults()) {
      if (fault.number != *number) continue;
      return exchange->respond(json_answer(201, json::serialize(to_json(fault)) + "\n"));
    }
    json::object over;
    over["id"] = *number;
    const auto& notes = world_.notes();
    over["what"] = notes.empty() ? "" : notes.back().text;
    return exchange->respond(json_answer(201, json::serialize(over) + "\n"));
  }
  if (call.method != "DELETE") {
    return exchange->respond(
        failure(405, "MethodNotAllowed", "faults takes GET and POST, faults/ID and faults DELETE"));
  }
  uint64_t healed = 0;
  if (call.path == "faults") {
    for (const LastingFault& fault : world_.faults()) healed += world_.heal(fault.number) ? 1 : 0;
  } else {
    const std::string id = call.path.substr(std::string_view("faults/").size());
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
    if (error != std::errc() || end != id.data() + id.size() || !world_.heal(number)) {
      return exchange->respond(not_found("no fault \"" + id + "\" is active"));
    }
    healed = 1;
  }
  changed_();
  json::object out;
  out["healed"] = healed;
  exchange->respond(json_answer(200, json::serialize(out) + "\n"));
}

void Control::timeline(const rest::ExchangePtr& exchange) {
  json::object out;
  out["first"] = world_.first_note();
  json::array& notes = out["notes"].emplace_array();
  for (const Note& note : world_.notes()) {
    json::object& one = notes.emplace_back(json::object()).as_object();
    one["at"] = format_duration(note.at.time_since_epoch());
    one["source"] = note.source;
    one["text"] = note.text;
  }
  exchange->respond(json_answer(200, json::serialize(out) + "\n"));
}

}  // namespace keelson::sim
