#include "tools/cli/recording.hpp"

#include <boost/json.hpp>

namespace keelson::cli {

namespace json = boost::json;

namespace {

json::object to_json(const std::map<std::string, std::string>& settings) {
  json::object out;
  for (const auto& [key, value] : settings) out[key] = value;
  return out;
}

std::map<std::string, std::string> settings_in(const json::object& object, const char* field) {
  std::map<std::string, std::string> out;
  for (const auto& item : object.at(field).as_object()) {
    out[std::string(item.key())] = std::string(item.value().as_string());
  }
  return out;
}

std::string text_in(const json::object& object, const char* field) {
  return std::string(object.at(field).as_string());
}

}  // namespace

std::string to_text(const Recording& recording) {
  const sim::Invocation& invocation = recording.invocation;
  json::object out;
  out["keelson"] = KEELSON_VERSION;
  out["scenario"] = invocation.scenario_file;
  out["text"] = recording.scenario_text;
  out["seed"] = invocation.seed;
  out["given"] = to_json(invocation.settings);
  out["settings"] = to_json(recording.settings);
  out["variant"] = invocation.variant;
  out["profile"] = invocation.profile;
  out["policy"] = invocation.policy;
  out["seedBug"] = invocation.seed_bug;
  out["hash"] = recording.hash;
  out["verdict"] = static_cast<int>(recording.verdict);
  out["virtualNs"] = recording.virtual_time.count();
  return json::serialize(out) + "\n";
}

Result<Recording> parse_recording(const std::string& text) {
  json::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) return Error{Code::invalid, "is no recorded run"};
  Recording out;
  try {
    const json::object& object = value.as_object();
    out.invocation.scenario_file = text_in(object, "scenario");
    out.invocation.seed = object.at("seed").to_number<uint64_t>();
    out.invocation.settings = settings_in(object, "given");
    out.invocation.variant = text_in(object, "variant");
    out.invocation.profile = text_in(object, "profile");
    if (object.contains("policy")) out.invocation.policy = text_in(object, "policy");  // older ones have none
    out.invocation.seed_bug = text_in(object, "seedBug");
    out.scenario_text = text_in(object, "text");
    out.settings = settings_in(object, "settings");
    out.hash = object.at("hash").to_number<uint64_t>();
    const int verdict = object.at("verdict").to_number<int>();
    if (verdict != 0 && verdict != 1 && verdict != 3)
      return Error{Code::invalid, "has no known verdict"};
    out.verdict = static_cast<sim::Verdict>(verdict);
    out.virtual_time = Duration{object.at("virtualNs").to_number<int64_t>()};
  } catch (const std::exception& e) {
    return Error{Code::invalid, std::string("is no recorded run: ") + e.what()};
  }
  return out;
}

}  // namespace keelson::cli
