#include "core/agent/environment.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/api/validate/names.hpp"

namespace keelson::agent {

namespace {

// Variables as they come up, later ones in the place of earlier ones of the same name. Values refer
// to others and can double with each variable, so all of it is paid for from one budget; what is
// replaced stays paid, for the work has been done.
class Variables {
 public:
  bool too_long() const { return too_long_; }
  Environment take() { return std::move(environment_); }

  void set(const std::string& name, std::string value) {
    if (!pay(name.size() + value.size() + 2)) return;  // "NAME=value" and a zero
    const auto [place, is_new] = places_.emplace(name, environment_.size());
    if (is_new) environment_.emplace_back(name, std::move(value));
    else environment_[place->second].second = std::move(value);
  }

  std::string expand(const std::string& text) {
    if (text.find('$') == std::string::npos) return text;
    std::string out;
    bool closes = true;  // as far as it has been looked for: there is a ')' ahead
    for (std::size_t i = 0; i < text.size() && !too_long_; ++i) {
      if (text[i] != '$' || i + 1 == text.size()) {
        out += text[i];
      } else if (text[i + 1] == '$') {
        out += '$';
        ++i;
      } else if (text[i + 1] == '(' && closes) {
        const std::size_t end = text.find(')', i + 2);
        closes = end != std::string::npos;
        const std::string_view whole = std::string_view(text).substr(i, closes ? end + 1 - i : 1);
        const std::string* value = closes ? find(whole.substr(2, whole.size() - 3)) : nullptr;
        too_long_ = value != nullptr && out.size() + value->size() > room_;
        if (!too_long_) out += value != nullptr ? std::string_view(*value) : whole;
        i += whole.size() - 1;
      } else {
        out += '$';
      }
    }
    return out;
  }

  std::vector<std::string> words(const google::protobuf::RepeatedPtrField<std::string>& texts) {
    std::vector<std::string> out;
    for (const std::string& text : texts) {
      std::string word = expand(text);
      if (!pay(word.size() + 1)) break;
      out.push_back(std::move(word));
    }
    return out;
  }

  bool pay(std::size_t size) {
    too_long_ = too_long_ || size > room_;
    if (!too_long_) room_ -= size;
    return !too_long_;
  }

 private:
  const std::string* find(std::string_view name) const {
    const auto place = places_.find(name);
    return place == places_.end() ? nullptr : &environment_[place->second].second;
  }

  Environment environment_;
  std::map<std::string, std::size_t, std::less<>> places_;  // in it, by name
  std::size_t room_ = launch_size_max;
  bool too_long_ = false;
};

// The entries of a ConfigMap or Secret.
const google::protobuf::Map<std::string, std::string>& data_of(const api::Object& object) {
  return object.kind() == api::Kind::secrets ? object.as<api::Secret>().data()
                                             : object.as<api::ConfigMap>().data();
}

// Every entry is a variable. Returns the keys that cannot be one.
std::string set_all(Variables& variables, const std::string& prefix, const api::Object& object) {
  const auto& data = data_of(object);
  std::vector<std::string_view> keys;
  for (const auto& [key, value] : data) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  std::string skipped;
  for (const std::string_view key : keys) {
    const std::string name = prefix + std::string(key);
    if (!api::check_env_name(name).empty()) {
      if (variables.pay(name.size())) skipped += (skipped.empty() ? "" : ", ") + name;
    } else {
      variables.set(name, data.at(key));
    }
    if (variables.too_long()) break;
  }
  return skipped;
}

}  // namespace

Result<Launch> launch_of(const api::Pod& pod, const api::Container& container,
                         const Surroundings& here, const std::vector<api::ObjectPtr>& referenced) {
  const Error too_long{Code::denied, "argument list too long"};
  Launch out;
  Variables variables;
  auto next = referenced.begin();
  const auto referred = [&] { return next == referenced.end() ? nullptr : *next++; };
  for (const api::EnvFromSource& from : container.env_from()) {
    if (!from.has_config_map_ref() && !from.has_secret_ref()) continue;
    const api::ObjectPtr object = referred();
    if (!object) continue;
    const std::string skipped = set_all(variables, from.prefix(), *object);
    if (variables.too_long()) return too_long;
    if (skipped.empty()) continue;
    out.skipped.push_back(fmt::format(
        "Keys [{}] from the EnvFrom {} {}/{} were skipped since they are considered invalid "
        "environment variable names.",
        skipped, from.has_secret_ref() ? "secret" : "configMap", pod.metadata().namespace_(),
        object->name()));
  }
  for (const api::EnvVar& variable : container.env()) {
    const api::EnvVarSource& from = variable.value_from();
    std::string value;
    if (!variable.has_value_from()) {
      value = variables.expand(variable.value());
    } else if (from.has_field_ref()) {
      value = field_value(from.field_ref().field_path(), pod, here);
    } else if (from.has_resource_field_ref()) {
      Result<std::string> amount = resource_value(from.resource_field_ref(), pod, container, here);
      if (!amount.ok()) return amount.error();
      value = std::move(*amount);
    } else if (from.has_config_map_key_ref() || from.has_secret_key_ref()) {
      const std::string& key = from.has_secret_key_ref() ? from.secret_key_ref().key()
                                                         : from.config_map_key_ref().key();
      const api::ObjectPtr object = referred();
      if (!object || !data_of(*object).contains(key)) continue;
      value = data_of(*object).at(key);
    }
    variables.set(variable.name(), std::move(value));
    if (variables.too_long()) return too_long;
  }
  out.command = variables.words(container.command());
  out.args = variables.words(container.args());
  if (variables.too_long()) return too_long;
  out.environment = variables.take();
  return out;
}

}  // namespace keelson::agent
