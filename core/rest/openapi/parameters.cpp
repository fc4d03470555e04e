#include "core/rest/openapi/parameters.hpp"

#include <array>

namespace keelson::rest::openapi {
namespace {

constexpr std::string_view text = "string", number = "integer", flag = "boolean";

constexpr Parameter allow_watch_bookmarks = {"allowWatchBookmarks", flag,
                                             "With watch: also sends bookmarks, which tell how far "
                                             "the watch has got when nothing else happens."};
constexpr Parameter continue_ = {"continue", text,
                                 "The token that the last page of a list came with: asks for the "
                                 "page that follows, of the same state."};
constexpr Parameter dry_run = {
    "dryRun", text,
    "With the value All the request is checked and answered as usual, and nothing is stored."};
constexpr Parameter field_manager = {
    "fieldManager", text,
    "In whose name the fields are set, at most 128 characters; needed for apply patches, else the "
    "client's User-Agent up to the first slash if left out."};
constexpr Parameter field_selector = {
    "fieldSelector", text,
    "A selector to restrict the list of returned objects by their fields, like metadata.name=a; "
    "everything if left out."};
constexpr Parameter field_validation = {"fieldValidation", text,
                                        "What becomes of fields that are unknown or given twice: "
                                        "Ignore drops them, Warn (the default) says "
                                        "so in a warning, Strict refuses the request."};
constexpr Parameter force = {"force", flag,
                             "With an apply patch: takes fields over from others that have set "
                             "them; may not be given with other "
                             "patches."};
constexpr Parameter grace_period_seconds = {
    "gracePeriodSeconds", number,
    "Seconds granted for an orderly end; 0 deletes at once, the kind's default if left out."};
constexpr Parameter ignore_store_read_error = {
    "ignoreStoreReadErrorWithClusterBreakingPotential", flag,
    "Deletes even if the stored object cannot be decoded; its finalizers are then not honoured."};
constexpr Parameter label_selector = {"labelSelector", text,
                                      "A selector to restrict the list of returned objects by "
                                      "their labels, like app=web,tier!=cache; "
                                      "everything if left out."};
constexpr Parameter limit = {
    "limit", number,
    "How many objects a page has at most; if there are more, metadata.continue asks for the rest."};
constexpr Parameter orphan_dependents = {
    "orphanDependents", flag, "Older way to say whether dependents stay; use propagationPolicy."};
constexpr Parameter propagation_policy = {
    "propagationPolicy", text,
    "What becomes of the objects that this one owns: Orphan leaves them, Background deletes them "
    "afterwards, Foreground before."};
constexpr Parameter resource_version = {
    "resourceVersion", text,
    "How fresh the answer must be, or from which state on to watch; how it is meant, "
    "resourceVersionMatch says. The newest state if left out, any state for 0."};
constexpr Parameter resource_version_match = {
    "resourceVersionMatch", text,
    "How resourceVersion is meant: Exact for that state, NotOlderThan for that or a newer one."};
constexpr Parameter send_initial_events = {
    "sendInitialEvents", flag,
    "With watch: sends the present objects first, then a bookmark that marks their end; needs "
    "allowWatchBookmarks and the match NotOlderThan."};
constexpr Parameter timeout_seconds = {
    "timeoutSeconds", number,
    "Seconds after which a list is given up, or a watch ends in an orderly way."};
constexpr Parameter watch = {
    "watch", flag,
    "Watch for changes to the described resources: instead of a list, sends a stream of those that "
    "follow, one event at a time."};

constexpr std::array list_parameters = {&allow_watch_bookmarks,
                                        &continue_,
                                        &field_selector,
                                        &label_selector,
                                        &limit,
                                        &resource_version,
                                        &resource_version_match,
                                        &send_initial_events,
                                        &timeout_seconds,
                                        &watch};
constexpr std::array create_parameters = {&dry_run, &field_manager, &field_validation};
constexpr std::array remove_collection_parameters = {&continue_,
                                                     &dry_run,
                                                     &field_selector,
                                                     &grace_period_seconds,
                                                     &ignore_store_read_error,
                                                     &label_selector,
                                                     &limit,
                                                     &orphan_dependents,
                                                     &propagation_policy,
                                                     &resource_version,
                                                     &resource_version_match,
                                                     &send_initial_events,
                                                     &timeout_seconds};
constexpr std::array patch_parameters = {&dry_run, &field_manager, &field_validation, &force};
constexpr std::array remove_parameters = {&dry_run, &grace_period_seconds, &ignore_store_read_error,
                                          &orphan_dependents, &propagation_policy};

constexpr Parameter container = {"container", text,
                                 "The container; may be left out if the pod has only one."};
constexpr Parameter command = {
    "command", text,
    "Program and arguments, each as a parameter of its own; no shell is involved."};
constexpr Parameter follow = {"follow", flag, "Goes on sending what the container writes."};
constexpr Parameter insecure_skip_tls_verify = {
    "insecureSkipTLSVerifyBackend", flag,
    "Does not check the certificate of the node that is asked for the log."};
constexpr Parameter limit_bytes = {"limitBytes", number, "Ends the log after so many bytes."};
constexpr Parameter ports = {"ports", number,
                             "The pod's ports, for clients that forward over WebSocket."};
constexpr Parameter previous = {"previous", flag,
                                "The log of the container's last run that has ended."};
constexpr Parameter proxied_path = {"path", text, "The path to ask for."};
constexpr Parameter since_seconds = {"sinceSeconds", number,
                                     "Only what was written in the last so many seconds."};
constexpr Parameter since_time = {"sinceTime", text,
                                  "Only what was written since that time, as RFC 3339."};
constexpr Parameter standard_error = {"stderr", flag, "Connects the standard error output."};
constexpr Parameter standard_in = {"stdin", flag, "Connects the standard input."};
constexpr Parameter standard_out = {"stdout", flag, "Connects the standard output."};
constexpr Parameter tail_lines = {"tailLines", number, "Starts with the last so many lines."};
constexpr Parameter timestamps = {"timestamps", flag,
                                  "Puts the time of writing, as RFC 3339, before each line."};
constexpr Parameter tty = {"tty", flag,
                           "Gives the process a terminal; it must have been started so."};

constexpr std::array log_parameters = {&container,   &follow,     &insecure_skip_tls_verify,
                                       &limit_bytes, &previous,   &since_seconds,
                                       &since_time,  &tail_lines, &timestamps};
constexpr std::array exec_parameters = {&command,     &container,    &standard_error,
                                        &standard_in, &standard_out, &tty};
constexpr std::array attach_parameters = {&container, &standard_error, &standard_in, &standard_out,
                                          &tty};
constexpr std::array port_forward_parameters = {&ports};
constexpr std::array proxy_parameters = {&proxied_path};

constexpr Parameter name = {"name", text, "Name of the object.", true, true};
constexpr Parameter namespace_ = {
    "namespace", text, "The namespace in which the object is, or the objects are.", true, true};
constexpr Parameter path = {"path", text, "The path to ask for.", true, true};
constexpr Parameter pretty = {
    "pretty", text,
    "With the value true the answer is indented; that is the default for browsers and curl."};

}  // namespace

std::span<const Parameter* const> query_parameters(Action action) {
  switch (action) {
    case Action::list: return list_parameters;
    case Action::create:
    case Action::replace: return create_parameters;
    case Action::remove_collection: return remove_collection_parameters;
    case Action::patch: return patch_parameters;
    case Action::remove: return remove_parameters;
    case Action::read: break;
  }
  return {};
}

std::span<const Parameter* const> connect_parameters(std::string_view subresource) {
  if (subresource == "log") return log_parameters;
  if (subresource == "exec") return exec_parameters;
  if (subresource == "attach") return attach_parameters;
  if (subresource == "portforward") return port_forward_parameters;
  if (subresource == "proxy") return proxy_parameters;
  return {};
}

const Parameter& name_parameter() {
  return name;
}
const Parameter& namespace_parameter() {
  return namespace_;
}
const Parameter& path_parameter() {
  return path;
}
const Parameter& pretty_parameter() {
  return pretty;
}

}  // namespace keelson::rest::openapi
