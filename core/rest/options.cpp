#include "core/rest/options.hpp"

#include <charconv>

#include "core/api/selector.hpp"
#include "core/rest/answers.hpp"
#include "core/rest/body.hpp"
#include "core/rest/versions.hpp"

namespace keelson::rest {

namespace {

using api::ApiError;

struct Wrong {
  std::string reason;   // "FieldValueInvalid"
  std::string message;  // "Invalid value: ..."
  std::string field;
};

ApiError invalid_options(std::string_view options, const std::vector<Wrong>& wrong) {
  ApiError error;
  error.reason = api::Reason::invalid;
  error.group = "meta.k8s.io";
  error.kind = std::string(options);
  std::string list;
  for (const Wrong& w : wrong) {
    if (!list.empty()) list += ", ";
    list += w.field + ": " + w.message;
    error.causes.push_back({w.reason, w.message, w.field});
  }
  error.message = error.kind + ".meta.k8s.io \"\" is invalid: " +
                  (wrong.size() > 1 ? "[" + list + "]" : list);
  return error;
}

std::string quoted_value(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::optional<int64_t> number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

ApiError read_number(const Uri& uri, const char* name, std::optional<int64_t>& into) {
  if (!uri.has(name) || uri.get(name).empty()) return {};
  into = number(uri.get(name));
  if (into) return {};
  return api::bad_request("strconv.ParseInt: parsing " + quoted_value(uri.get(name)) +
                          ": invalid syntax");
}

ApiError read_revision(std::string_view text, std::optional<api::Revision>& into) {
  if (text.empty()) return {};
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) {
    into = api::Revision{0, value};
    return {};
  }
  ApiError refused = api::bad_request("resourceVersion: Invalid value: " + quoted_value(text) +
                                      ": strconv.ParseUint: parsing " + quoted_value(text) +
                                      ": invalid syntax");
  refused.reason = api::Reason::unclassified;
  return refused;
}

// "All" alone is a dry run.
void check_dry_run(const std::vector<std::string>& values, bool& dry_run,
                   std::vector<Wrong>& wrong) {
  if (values.empty()) return;
  std::string shown;
  bool all = true;
  for (const std::string& value : values) {
    if (!shown.empty()) shown += ", ";
    shown += quoted_value(value);
    all = all && value == "All";
  }
  if (all) {
    dry_run = true;
    return;
  }
  wrong.push_back({"FieldValueNotSupported",
                   "Unsupported value: []string{" + shown + "}: supported values: \"All\"",
                   "dryRun"});
}

std::string manager_of(std::string_view user_agent) {
  return std::string(user_agent.substr(0, std::min(user_agent.find('/'), std::size_t{128})));
}

void check_manager(std::string_view manager, std::vector<Wrong>& wrong) {
  if (manager.size() > 128) {
    wrong.push_back({"FieldValueTooLong", "Too long: may not be more than 128 bytes",
                     "fieldManager"});
  }
  for (const char c : manager) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) continue;
    wrong.push_back({"FieldValueInvalid",
                     "Invalid value: " + quoted_value(manager) + ": should only contain printable "
                     "characters",
                     "fieldManager"});
    return;
  }
}

ApiError read_selectors(const Uri& uri, const Resource& resource, std::string& labels,
                        std::string& fields) {
  labels = uri.get("labelSelector");
  fields = stored_fields(resource, uri.get("fieldSelector"));
  if (auto parsed = api::LabelSelectorMatcher::parse(labels); !parsed) {
    return api::bad_request(parsed.error().message);
  }
  if (auto parsed = api::FieldSelector::parse(resource.info->kind, fields); !parsed) {
    return api::bad_request(parsed.error().message);
  }
  return {};
}

std::optional<api::Propagation> propagation(std::string_view text) {
  if (text == "Background") return api::Propagation::background;
  if (text == "Foreground") return api::Propagation::foreground;
  if (text == "Orphan") return api::Propagation::orphan;
  return std::nullopt;
}

}  // namespace

ApiError read_write_options(const Uri& uri, std::string_view options, std::string_view user_agent,
                            api::Request& request) {
  std::vector<Wrong> wrong;
  check_dry_run(uri.all("dryRun"), request.dry_run, wrong);
  const std::string_view manager = uri.get("fieldManager");
  check_manager(manager, wrong);
  request.field_manager = manager.empty() ? manager_of(user_agent) : std::string(manager);
  const std::string_view validation = uri.get("fieldValidation");
  if (!validation.empty() && validation != "Ignore" && validation != "Warn" &&
      validation != "Strict") {
    wrong.push_back({"FieldValueNotSupported",
                     "Unsupported value: " + quoted_value(validation) +
                         ": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"",
                     "fieldValidation"});
  }
  request.field_validation = validation == "Strict"   ? api::FieldValidation::strict
                             : validation == "Ignore" ? api::FieldValidation::ignore
                                                      : api::FieldValidation::warn;
  if (!wrong.empty()) return invalid_options(options, wrong);
  return {};
}

ApiError read_list_options(const Uri& uri, const Resource& resource, api::Request& request) {
  if (ApiError error =
          read_selectors(uri, resource, request.label_selector, request.field_selector)) {
    return error;
  }
  std::optional<int64_t> limit;
  if (ApiError error = read_number(uri, "limit", limit)) return error;
  request.limit = limit.value_or(0);
  request.continue_token = uri.get("continue");
  if (ApiError error = read_revision(uri.get("resourceVersion"), request.resource_version)) {
    return error;
  }
  const std::string_view match = uri.get("resourceVersionMatch");
  if (match.empty()) {
    // A limited list at a revision is an exact one: so Kubernetes has had it from before there was
    // a way to say so.
    request.exact_revision = request.limit > 0 && request.continue_token.empty() &&
                             request.resource_version && *request.resource_version;
    return {};
  }
  if (match != "Exact" && match != "NotOlderThan") {
    return invalid_options("ListOptions", {{"FieldValueNotSupported",
                                            "Unsupported value: " + quoted_value(match) +
                                                ": supported values: \"Exact\", \"NotOlderThan\", "
                                                "\"\"",
                                            "resourceVersionMatch"}});
  }
  if (!request.resource_version) {
    return invalid_options("ListOptions",
                           {{"FieldValueForbidden",
                             "Forbidden: resourceVersionMatch is forbidden unless resourceVersion "
                             "is provided",
                             "resourceVersionMatch"}});
  }
  request.exact_revision = match == "Exact";
  return {};
}

ApiError read_watch_options(const Uri& uri, const Resource& resource, WatchOptions& watch) {
  api::WatchRequest& request = watch.request;
  request.kind = resource.info->kind;
  if (ApiError error =
          read_selectors(uri, resource, request.label_selector, request.field_selector)) {
    return error;
  }
  if (ApiError error = read_revision(uri.get("resourceVersion"), request.after)) return error;
  if (ApiError error = read_number(uri, "timeoutSeconds", watch.timeout_seconds)) return error;
  request.bookmarks = uri.flag("allowWatchBookmarks");
  const std::string_view match = uri.get("resourceVersionMatch");
  if (!uri.has("sendInitialEvents")) {
    if (match.empty()) return {};
    return invalid_options("ListOptions",
                           {{"FieldValueForbidden",
                             "Forbidden: resourceVersionMatch is forbidden for watch unless "
                             "sendInitialEvents is provided",
                             "resourceVersionMatch"}});
  }
  std::vector<Wrong> wrong;
  if (match != "NotOlderThan") {
    wrong.push_back(match.empty()
                        ? Wrong{"FieldValueForbidden",
                                "Forbidden: sendInitialEvents requires setting "
                                "resourceVersionMatch to NotOlderThan",
                                "resourceVersionMatch"}
                        : Wrong{"FieldValueNotSupported",
                                "Unsupported value: " + quoted_value(match) +
                                    ": supported values: \"NotOlderThan\"",
                                "resourceVersionMatch"});
  }
  if (!wrong.empty()) return invalid_options("ListOptions", wrong);
  request.send_initial_events = uri.flag("sendInitialEvents");
  // Without them the stream begins at the revision asked for, or now.
  return {};
}

ApiError read_delete_options(const Uri& uri, std::string_view content_type, std::string_view body,
                             api::Request& request) {
  api::DeleteOptions options;
  if (!body.empty()) {
    const std::optional<Encoding> encoding = body_encoding(content_type);
    if (!encoding) return unsupported_media();
    if (ApiError error = decode_options_body(*encoding, body, options)) return error;
  }
  std::vector<std::string> dry_run(options.dry_run().begin(), options.dry_run().end());
  if (dry_run.empty()) dry_run = uri.all("dryRun");
  std::optional<int64_t> grace;
  if (ApiError error = read_number(uri, "gracePeriodSeconds", grace)) return error;
  if (options.has_grace_period_seconds()) grace = options.grace_period_seconds();
  std::string policy = options.has_propagation_policy() ? options.propagation_policy()
                                                        : std::string(uri.get("propagationPolicy"));
  std::optional<bool> orphan;
  if (options.has_orphan_dependents()) {
    orphan = options.orphan_dependents();
  } else if (uri.has("orphanDependents")) {
    orphan = uri.flag("orphanDependents");
  }
  std::vector<Wrong> wrong;
  if (orphan && !policy.empty()) {
    wrong.push_back({"FieldValueInvalid",
                     "Invalid value: " + quoted_value(policy) +
                         ": orphanDependents and deletionPropagation cannot be both set",
                     "propagationPolicy"});
  }
  if (!policy.empty() && !propagation(policy)) {
    wrong.push_back({"FieldValueNotSupported",
                     "Unsupported value: " + quoted_value(policy) +
                         ": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"",
                     "propagationPolicy"});
  }
  check_dry_run(dry_run, request.dry_run, wrong);
  if (grace && *grace < 0) {
    wrong.push_back({"FieldValueInvalid",
                     "Invalid value: " + std::to_string(*grace) +
                         ": must be greater than or equal to 0",
                     "gracePeriodSeconds"});
  }
  if (!wrong.empty()) return invalid_options("DeleteOptions", wrong);
  // Longer than a machine lives is as good as for ever, and no sum overflows.
  if (grace) grace = std::min<int64_t>(*grace, INT32_MAX);
  request.grace_period_seconds = grace;
  if (!policy.empty()) {
    request.propagation = *propagation(policy);
  } else if (orphan) {
    request.propagation = *orphan ? api::Propagation::orphan : api::Propagation::background;
  }
  if (options.has_preconditions()) {
    request.expected.uid = options.preconditions().uid();
    if (options.preconditions().has_resource_version()) {
      return read_revision(options.preconditions().resource_version(), request.expected.revision);
    }
  }
  return {};
}

}  // namespace keelson::rest
