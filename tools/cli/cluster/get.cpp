// get: the server's tables, or objects in the format of -o.
#include <fmt/format.h>

#include <optional>

#include "tools/cli/cluster/output.hpp"
#include "tools/cli/cluster/table.hpp"
#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

constexpr const char* kTableAccept =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/"
    "json;as=Table;v=v1beta1;g=meta.k8s.io,"
    "application/json";

std::vector<std::string> label_columns(const Flags& flags) {
  std::vector<std::string> out;
  for (const std::string& list : flags.all("label-columns")) {
    for (std::size_t begin = 0; begin < list.size();) {
      const auto end = std::min(list.find(',', begin), list.size());
      out.push_back(list.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return out;
}

TableOptions table_options(const Session& session, const Target& target, bool with_type,
                           bool wide) {
  TableOptions options;
  options.wide = wide;
  options.headers = !session.flags.on("no-headers");
  options.show_namespace = session.all_namespaces() && target.resource.namespaced;
  options.show_labels = session.flags.on("show-labels");
  options.label_columns = label_columns(session.flags);
  if (with_type) {
    options.type = target.resource.called("");
    options.type.pop_back();
  }
  return options;
}

// One target as a Table, or as objects.
Result<Json> read(Session& session, const Target& target, bool as_table) {
  const std::string accept = as_table ? kTableAccept : "application/json";
  const std::string objects =
      as_table && session.flags.has("sort-by") ? "includeObject=Object" : "";
  if (target.name.empty()) {
    std::string query = selector_query(session.flags);
    if (!objects.empty()) query += (query.empty() ? "" : "&") + objects;
    return session.list(target.resource.path(target.ns), query, accept);
  }
  return session.get(
      target.resource.path(target.ns, target.name, session.flags.get("subresource")) +
          (objects.empty() ? "" : "?" + objects),
      accept);
}

bool ignored(const Session& session, const Error& error) {
  return error.code == Code::not_found && session.flags.on("ignore-not-found") &&
         error.message.starts_with("Error from server");
}

Status get_tables(Session& session, const Selection& selection, bool wide) {
  const bool with_type = selection.many_types || session.flags.on("show-kind");
  std::optional<TablePrinter> printer;
  std::string last_type;
  bool printed = false, failed = false;
  for (const Target& target : selection.targets) {
    auto table = read(session, target, true);
    if (!table) {
      if (!ignored(session, table.error())) {
        session.complain(table.error());
        failed = true;
      }
      continue;
    }
    if (session.flags.has("sort-by")) {
      if (auto ok = sort_by(*table, session.flags.get("sort-by")); !ok) return ok;
    }
    const bool new_type = target.resource.group_resource() != last_type;
    if (new_type || !printer) printer.emplace(table_options(session, target, with_type, wide));
    const std::string text = printer->print(*table, session.io.now());
    if (text.empty()) continue;
    if (printed && new_type && !session.flags.on("no-headers")) session.io.out("\n");
    session.io.out(text);
    last_type = target.resource.group_resource();
    printed = true;
  }
  if (printed || failed || session.flags.on("ignore-not-found")) return {};
  const bool namespaced = !selection.targets.empty() && selection.targets[0].resource.namespaced;
  session.io.err(namespaced && !session.all_namespaces()
                     ? fmt::format("No resources found in {} namespace.\n", session.ns)
                     : "No resources found\n");
  return {};
}

Status get_objects(Session& session, const Selection& selection, const Output& output) {
  JsonArray items;
  bool list = selection.targets.size() > 1;
  for (const Target& target : selection.targets) {
    auto object = read(session, target, false);
    if (!object) {
      if (!ignored(session, object.error())) session.complain(object.error());
      continue;
    }
    if (!target.name.empty()) {
      items.push_back(std::move(*object));
      continue;
    }
    list = true;
    for (const Json& item : list_at(*object, "items")) {
      items.push_back(item);
      items.back().get_object()["apiVersion"] = target.resource.group_version();
      items.back().get_object()["kind"] = target.resource.kind;
    }
  }
  if (!list && items.empty()) return {};
  Json all = list ? Json{{"apiVersion", "v1"},
                         {"kind", "List"},
                         {"metadata", {{"resourceVersion", ""}}},
                         {"items", std::move(items)}}
                  : std::move(items[0]);
  if (list && session.flags.has("sort-by")) {
    if (auto ok = sort_by(all, session.flags.get("sort-by")); !ok) return ok;
  }
  auto text = output.print(std::move(all));
  if (!text) return text.error();
  session.io.out(*text);
  return {};
}

// A Table whose first column says what has happened.
Json with_event(Json table, const std::string& type) {
  if (!list_at(table, "columnDefinitions").empty()) {
    JsonArray& columns = at_path(table, "columnDefinitions").get_array();
    columns.insert(columns.begin(), JsonObject{{"name", "Event"}, {"priority", 0}});
  }
  if (list_at(table, "rows").empty()) return table;
  for (Json& row : at_path(table, "rows").get_array()) {
    Json& cells = at_path(row, "cells");
    if (!cells.is_array()) cells.emplace_array();
    cells.get_array().insert(cells.get_array().begin(), Json(type));
  }
  return table;
}

// First what is there, then what changes, until the stream ends.
Status watch(Session& session, const Selection& selection, const Output& output) {
  if (selection.targets.size() != 1) {
    return usage_error("watch is only supported on individual resources and resource collections");
  }
  const Target& target = selection.targets[0];
  const bool as_table = !output.named();
  auto list = read(session, target, as_table);
  if (!list) return list.error();
  TableOptions options = table_options(session, target, selection.many_types, output.is("wide"));
  const bool events = session.flags.on("output-watch-events");
  TablePrinter printer(options);
  const auto show = [&](const Json& object, const std::string& type) -> bool {
    if (as_table) {
      if (!events) {
        session.io.out(printer.print(object, session.io.now()));
        return true;
      }
      session.io.out(printer.print(with_event(object, type), session.io.now()));
      return true;
    }
    auto text = output.print(events ? Json{{"type", type}, {"object", object}} : object);
    if (!text) {
      session.complain(text.error());
      return false;
    }
    session.io.out(*text);
    return true;
  };
  if (!session.flags.on("watch-only")) {
    if (!as_table && find(*list, "items")) {
      for (const Json& item : list_at(*list, "items")) {
        Json object = item;
        object.get_object()["apiVersion"] = target.resource.group_version();
        object.get_object()["kind"] = target.resource.kind;
        if (!show(object, "ADDED")) return {};
      }
    } else if (!show(*list, "ADDED")) {
      return {};
    }
  }
  std::string query = "resourceVersion=" + encode_query(text_at(*list, "metadata.resourceVersion"));
  if (!target.name.empty()) {
    query += "&fieldSelector=" + encode_query("metadata.name=" + target.name);
  } else if (const std::string selectors = selector_query(session.flags); !selectors.empty()) {
    query += "&" + selectors;
  }
  return session.watch(
      target.resource.path(target.ns), query,
      [&](const Json& event) {
        const std::string type = text_at(event, "type");
        const Json* object = find(event, "object");
        return type == "BOOKMARK" || !object || show(*object, type);
      },
      as_table ? kTableAccept : "application/json");
}

Status get(Session& session) {
  auto output = Output::of(session.flags);
  if (!output) return output.error();
  if (session.flags.has("raw")) {
    auto reply = session.call({.path = session.flags.get("raw")});
    if (!reply) return reply.error();
    session.io.out(reply->body);
    return {};
  }
  if (session.flags.args().empty() && !session.flags.has("filename")) {
    return {
        Code::invalid,
        "You must specify the type of resource to get. Use \"keelson api-resources\" for a "
        "complete "
        "list of supported resources.\n\nerror: Required resource not specified.\nUse \"keelson "
        "explain <resource>\" for a detailed description of that resource (e.g. keelson explain "
        "pods).\nSee 'keelson get -h' for help and examples"};
  }
  auto selection = select(session, session.flags.args());
  if (!selection) return selection.error();
  if (session.flags.on("watch") || session.flags.on("watch-only")) {
    return watch(session, *selection, *output);
  }
  return output->named() ? get_objects(session, *selection, *output)
                         : get_tables(session, *selection, output->is("wide"));
}

}  // namespace

std::vector<Verb> get_verbs() {
  return {{"get", "TYPE [NAME...] | TYPE/NAME... | -f FILE", "list objects, or show some of them",
           with_selection(
               {{"o,output", "FORMAT", "wide, json, yaml, name, jsonpath=..., custom-columns=..."},
                {"template", "TEXT", "the template of -o jsonpath or custom-columns"},
                {"w,watch", "", "go on with what changes"},
                {"watch-only", "", "only what changes"},
                {"output-watch-events", "", "say what each change of a watch is"},
                {"show-labels", "", "with a column of all labels"},
                {"L,label-columns", "LABELS", "with a column for each of these labels"},
                {"show-kind", "", "names with their types"},
                {"sort-by", "PATH", "order by this field: .metadata.creationTimestamp"},
                {"no-headers", "", "without the line of titles"},
                {"ignore-not-found", "", "what does not exist is no error"},
                {"show-managed-fields", "", "keep managedFields in JSON and YAML"},
                {"subresource", "NAME", "status or scale of an object"},
                {"chunk-size", "N", "accepted for kubectl's sake: lists always come in pages"},
                {"raw", "PATH", "what the server answers to GET PATH, as it is"}}),
           get,
           "  keelson get pods -o wide\n"
           "  keelson get deploy,svc -A\n"
           "  keelson get pods -l run=kel -w\n"
           "  keelson get nodes -o jsonpath='{.items[*].metadata.name}'\n"}};
}

}  // namespace keelson::cli
