// events: what has happened, oldest first.
#include <fmt/format.h>

#include <algorithm>

#include "tools/cli/cluster/events.hpp"
#include "tools/cli/cluster/human.hpp"
#include "tools/cli/cluster/output.hpp"
#include "tools/cli/cluster/table.hpp"
#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

std::string event_time(const Json& event) {
  for (const char* path : {"series.lastObservedTime", "lastTimestamp", "eventTime",
                           "firstTimestamp", "metadata.creationTimestamp"}) {
    if (std::string time = text_at(event, path); !time.empty()) return time;
  }
  return {};
}

std::string event_age(const Json& event, WallTime now) {
  const int64_t count = number_at(event, "series.count", number_at(event, "count"));
  const std::string last = age(event_time(event), now);
  if (count <= 1) return last;
  const std::string first = text_at(event, "firstTimestamp", text_at(event, "eventTime"));
  return fmt::format("{} (x{} over {})", last, count, age(first, now));
}

namespace {

struct Wanted {
  std::string kind, name;  // of --for
  std::vector<std::string> types;

  bool operator()(const Json& event) const {
    if (!kind.empty() && (text_at(event, "involvedObject.kind") != kind ||
                          text_at(event, "involvedObject.name") != name)) {
      return false;
    }
    return types.empty() ||
           std::find(types.begin(), types.end(), text_at(event, "type")) != types.end();
  }
};

// As a Table, so that a watch's columns grow as any other's.
Json rows_of(const std::vector<Json>& events, WallTime now) {
  JsonArray columns, rows;
  for (const char* name : {"LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"})
    columns.push_back(JsonObject{{"name", name}, {"priority", 0}});
  for (const Json& event : events) {
    JsonArray cells;
    cells.push_back(Json(event_age(event, now)));
    cells.push_back(Json(text_at(event, "type")));
    cells.push_back(Json(text_at(event, "reason")));
    cells.push_back(
        Json(text_at(event, "involvedObject.kind") + "/" + text_at(event, "involvedObject.name")));
    cells.push_back(Json(trimmed_end(text_at(event, "message"))));
    rows.push_back({{"cells", std::move(cells)}, {"object", event}});
  }
  return {{"kind", "Table"}, {"columnDefinitions", std::move(columns)}, {"rows", std::move(rows)}};
}

Result<Wanted> wanted(Session& session) {
  Wanted out;
  for (const std::string& list : session.flags.all("types")) {
    for (std::size_t begin = 0; begin < list.size();) {
      const auto end = std::min(list.find(',', begin), list.size());
      out.types.push_back(list.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  if (session.flags.has("for")) {
    const std::string word = session.flags.get("for");
    const auto slash = word.find('/');
    if (slash == std::string::npos) return usage_error("--for must be in resource/name form");
    auto type = session.resource(word.substr(0, slash));
    if (!type) return type.error();
    out.kind = type->kind;
    out.name = word.substr(slash + 1);
  }
  return out;
}

Status events(Session& session) {
  auto output = Output::of(session.flags);
  if (!output) return output.error();
  auto want = wanted(session);
  if (!want) return want.error();
  const Resource type{.group = "",
                      .version = "v1",
                      .plural = "events",
                      .singular = "event",
                      .kind = "Event",
                      .namespaced = true};
  const std::string ns = session.all_namespaces() ? "" : session.ns;
  auto list = session.list(type.path(ns), "");
  if (!list) return list.error();
  std::vector<Json> found;
  for (const Json& event : list_at(*list, "items")) {
    if ((*want)(event)) found.push_back(event);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Json& a, const Json& b) { return event_time(a) < event_time(b); });
  const bool watching = session.flags.on("watch");
  if (output->named()) {
    JsonArray items;
    for (Json& event : found) {
      event.get_object()["apiVersion"] = "v1";
      event.get_object()["kind"] = "Event";
      items.push_back(std::move(event));
    }
    auto text = output->print({{"apiVersion", "v1"},
                               {"kind", "List"},
                               {"metadata", {{"resourceVersion", ""}}},
                               {"items", std::move(items)}});
    if (!text) return text.error();
    session.io.out(*text);
    return {};
  }
  TableOptions options;
  options.headers = !session.flags.on("no-headers");
  options.show_namespace = session.all_namespaces();
  TablePrinter printer(options);
  session.io.out(printer.print(rows_of(found, session.io.now()), session.io.now()));
  if (!watching) {
    if (found.empty()) {
      session.io.err(ns.empty() ? "No events found.\n"
                                : fmt::format("No events found in {} namespace.\n", ns));
    }
    return {};
  }
  return session.watch(
      type.path(ns), "resourceVersion=" + encode_query(text_at(*list, "metadata.resourceVersion")),
      [&](const Json& event) {
        const Json* object = find(event, "object");
        const std::string what = text_at(event, "type");
        if (object && (what == "ADDED" || what == "MODIFIED") && (*want)(*object)) {
          session.io.out(printer.print(rows_of({*object}, session.io.now()), session.io.now()));
        }
        return true;
      });
}

}  // namespace

std::vector<Verb> events_verbs() {
  return {{"events",
           "[--for TYPE/NAME]",
           "what has happened in a namespace",
           {{"A,all-namespaces", "", "in all namespaces"},
            {"for", "TYPE/NAME", "to this object"},
            {"types", "TYPES", "only Normal or only Warning"},
            {"w,watch", "", "go on with what happens"},
            {"no-headers", "", "without the line of titles"},
            {"o,output", "FORMAT", "json, yaml, jsonpath=..."}},
           events,
           "  keelson events --for deployment/kel\n"}};
}

}  // namespace keelson::cli
