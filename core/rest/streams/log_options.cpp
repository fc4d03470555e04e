#include "core/rest/streams/log_options.hpp"

#include <algorithm>
#include <cstdlib>

#include "core/api/time_text.hpp"

namespace keelson::rest {

namespace {

class Mistakes {
 public:
  explicit Mistakes(std::string pod) : pod_(std::move(pod)) {}

  void add(std::string field, std::string reason, std::string message) {
    causes_.push_back({std::move(reason), std::move(message), std::move(field)});
  }
  void too_small(std::string field, int64_t value, const char* bound) {
    add(std::move(field), "FieldValueInvalid",
        "Invalid value: " + std::to_string(value) + ": must be greater than " + bound);
  }
  api::ApiError error() const {
    api::ApiError error;
    if (causes_.empty()) return error;
    error.reason = api::Reason::invalid;
    error.kind = "PodLogOptions";
    error.name = pod_;
    error.causes = causes_;
    error.message = "PodLogOptions \"" + pod_ + "\" is invalid: ";
    if (causes_.size() > 1) error.message += '[';
    for (std::size_t i = 0; i < causes_.size(); ++i) {
      error.message += (i == 0 ? "" : ", ") + causes_[i].field + ": " + causes_[i].message;
    }
    if (causes_.size() > 1) error.message += ']';
    return error;
  }

 private:
  std::string pod_;
  std::vector<api::Cause> causes_;
};

// A list as Go prints it: [a b].
std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : " ") + name;
  return list;
}

std::vector<std::string> container_names(const api::PodSpec& spec) {
  std::vector<std::string> names;
  for (const auto& container : spec.init_containers()) names.push_back(container.name());
  for (const auto& container : spec.containers()) names.push_back(container.name());
  for (const auto& container : spec.ephemeral_containers()) names.push_back(container.ephemeral_container_common().name());
  return names;
}

const api::ContainerStatus* find_status(const api::Pod& pod, const std::string& container) {
  const api::PodStatus& status = pod.status();
  for (const auto* statuses : {&status.container_statuses(), &status.init_container_statuses(),
                               &status.ephemeral_container_statuses()}) {
    for (const api::ContainerStatus& each : *statuses) {
      if (each.name() == container) return &each;
    }
  }
  return nullptr;
}

}  // namespace

LogQuery read_log_options(const Query& query, const std::string& pod) {
  LogQuery read;
  agent::LogOptions& options = read.options;
  options.follow = query.flag("follow");
  options.previous = query.flag("previous");
  options.timestamps = query.flag("timestamps");

  std::optional<int64_t> since_seconds;
  const auto number = [&](const char* name, std::optional<int64_t>& into) {
    auto value = query.number(name);
    if (value.ok()) {
      into = *value;
    } else if (read.error.ok()) {
      read.error = api::bad_request(value.error().message);
    }
  };
  number("tailLines", options.tail_lines);
  number("limitBytes", options.limit_bytes);
  number("sinceSeconds", since_seconds);
  if (const std::string* text = query.find("sinceTime"); text != nullptr && !text->empty()) {
    int64_t seconds = 0;
    int32_t nanos = 0;
    if (api::parse_time(*text, seconds, nanos)) {
      // Before and after everything that there can be is soon enough: Go's zero time is the year 1.
      seconds = std::clamp<int64_t>(seconds, -9'000'000'000, 9'000'000'000);
      options.since = WallTime{seconds * 1'000'000'000 + nanos};
    } else if (read.error.ok()) {
      read.error = api::bad_request("parsing time \"" + *text +
                                    "\" as \"2006-01-02T15:04:05Z07:00\": cannot parse");
    }
  }
  if (!read.error.ok()) return read;

  Mistakes mistakes(pod);
  if (options.tail_lines && *options.tail_lines < 0) {
    mistakes.too_small("tailLines", *options.tail_lines, "or equal to 0");
  }
  if (options.limit_bytes && *options.limit_bytes < 1) {
    mistakes.too_small("limitBytes", *options.limit_bytes, "0");
  }
  if (since_seconds && options.since) {
    mistakes.add("", "FieldValueForbidden",
                 "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified");
  } else if (since_seconds) {
    if (*since_seconds < 1) {
      mistakes.too_small("sinceSeconds", *since_seconds, "0");
    } else {
      // Longer ago than there were computers is the same as always.
      options.since_ago = std::chrono::seconds(std::min<int64_t>(*since_seconds, 1'000'000'000));
    }
  }
  const std::string stream = query.text("stream");
  if (stream == "Stdout") {
    options.source = agent::LogSource::standard_output;
  } else if (stream == "Stderr") {
    options.source = agent::LogSource::standard_error;
  } else if (!stream.empty() && stream != "All") {
    mistakes.add("stream", "FieldValueNotSupported",
                 "Unsupported value: \"" + stream +
                     "\": supported values: \"All\", \"Stderr\", \"Stdout\"");
  }
  if (options.source != agent::LogSource::all && options.tail_lines) {
    mistakes.add("", "FieldValueForbidden",
                 "Forbidden: `tailLines` and specific `stream` are mutually exclusive for now");
  }
  read.error = mistakes.error();
  return read;
}

ChosenContainer choose_container(const api::Pod& pod, const std::string& wanted) {
  const api::PodSpec& spec = pod.spec();
  const std::string& name = pod.metadata().name();
  if (wanted.empty()) {
    if (spec.containers_size() == 1) return {spec.containers(0).name(), {}};
    std::string message = "a container name must be specified for pod " + name;
    if (spec.containers_size() > 1) {
      message += ", choose one of: [" + joined(container_names(spec)) + "]";
    }
    return {{}, api::bad_request(std::move(message))};
  }
  const std::vector<std::string> names = container_names(spec);
  if (std::find(names.begin(), names.end(), wanted) != names.end()) return {wanted, {}};
  return {{}, api::bad_request("container " + wanted + " is not valid for pod " + name)};
}

api::ApiError check_log_exists(const api::Pod& pod, const std::string& container, bool previous) {
  const std::string what =
      "container \"" + container + "\" in pod \"" + pod.metadata().name() + "\"";
  const api::ContainerStatus* status = find_status(pod, container);
  if (status == nullptr) return api::bad_request(what + " is not available");
  const bool terminated_before = status->last_state().has_terminated();
  if (previous) {
    if (terminated_before) return {};
    return api::bad_request("previous terminated " + what + " not found");
  }
  if (status->state().has_running() || status->state().has_terminated() || terminated_before) {
    return {};
  }
  if (!status->state().has_waiting()) {
    return api::bad_request(what + " is waiting to start - no logs yet");
  }
  std::string reason = status->state().waiting().reason();
  if (reason == "ErrImagePull") reason = "image can't be pulled";
  if (reason == "ImagePullBackOff") reason = "trying and failing to pull image";
  return api::bad_request(what + " is waiting to start: " + reason);
}

}  // namespace keelson::rest
