#include "core/rest/metrics.hpp"

#include <array>

#include "core/api/json.hpp"
#include "core/api/quantity.hpp"
#include "core/api/time_text.hpp"
#include "core/rest/tables/cells.hpp"
#include "core/rest/tables/loose.hpp"

namespace keelson::rest {

namespace {

constexpr std::array kColumns = {
    name_column,
    Column{"cpu", "quantity", "", "Cores in use, averaged over the window.", 0},
    Column{"memory", "quantity", "", "Memory in use.", 0},
    Column{"Window", "string", "duration", "What the figures are averaged over.", 0},
};

std::string canonical(const std::string& text) {
  const auto quantity = api::canonical_quantity(text);
  KEELSON_ASSERT(quantity.ok());
  return *quantity;
}

std::string cpu_text(const Usage& usage) {
  return canonical(std::to_string(usage.cpu_nanocores) + "n");
}

std::string memory_text(const Usage& usage) {
  return canonical(std::to_string(usage.memory_bytes / 1024) + "Ki");
}

std::string usage_json(const Usage& usage) {
  return "{\"cpu\":\"" + cpu_text(usage) + "\",\"memory\":\"" + memory_text(usage) + "\"}";
}

// "15s", "1m30s", as Go writes a duration of whole seconds.
std::string window_text(Duration window) {
  const int64_t seconds = window / 1s;
  const std::string rest = std::to_string(seconds % 60) + "s";
  return seconds < 60 ? rest : std::to_string(seconds / 60) + "m" + rest;
}

// What was measured of one pod or node: the members of its JSON behind the metadata, and the sum.
struct Measured {
  std::string members;
  Usage sum;
};

std::optional<Measured> measure(UsageSource& source, const api::Node& node) {
  const std::optional<Usage> usage = source.of_node(node);
  if (!usage) return std::nullopt;
  return Measured{"\"usage\":" + usage_json(*usage), *usage};
}

std::optional<Measured> measure(UsageSource& source, const api::Pod& pod) {
  Measured measured;
  const auto add = [&](const std::string& name) {
    const std::optional<Usage> usage = source.of_container(pod, name);
    if (!usage) return;
    measured.members += (measured.members.empty() ? "" : ",");
    measured.members += "{\"name\":\"" + name + "\",\"usage\":" + usage_json(*usage) + "}";
    measured.sum.cpu_nanocores += usage->cpu_nanocores;
    measured.sum.memory_bytes += usage->memory_bytes;
  };
  for (const api::Container& container : pod.spec().init_containers()) {
    if (container.restart_policy() == "Always") add(container.name());
  }
  for (const api::Container& container : pod.spec().containers()) add(container.name());
  if (measured.members.empty()) return std::nullopt;
  measured.members = "\"containers\":[" + measured.members + "]";
  return measured;
}

std::optional<Measured> measure(UsageSource& source, const api::Object& object) {
  return object.kind() == api::Kind::nodes ? measure(source, object.as<api::Node>())
                                           : measure(source, object.as<api::Pod>());
}

std::string metadata_json(const api::Object& object, WallTime now) {
  api::ObjectMeta meta;
  meta.set_name(object.name());
  meta.set_namespace_(object.ns());
  *meta.mutable_labels() = object.meta().labels();
  *meta.mutable_creation_timestamp() = api::to_time(now);  // of the figures
  return api::encode_message(meta);
}

// As metrics-server calls a pod or node that it has no figures of.
api::ApiError unmeasured(const Call& call) {
  const bool pod = call.resource->info->kind == api::Kind::pods;
  const std::string name = pod ? call.path.ns + "/" + call.path.name : call.path.name;
  api::ApiError error = api::not_found(call.resource->info->kind, name);
  error.group = call.resource->group;
  error.kind = pod ? "podmetrics" : "nodemetrics";
  error.message = error.kind + "." + error.group + " \"" + name + "\" not found";
  return error;
}

}  // namespace

api::ApiError Metrics::read(const Call& call, api::Request& request) const {
  // As if the server that Kubernetes leaves this to were not there.
  if (source_ == nullptr) {
    return api::service_unavailable("the server is currently unable to handle the request");
  }
  if (call.manner.accepted.encoding == Encoding::protobuf) return not_acceptable();
  request.kind = call.resource->info->kind;
  request.verb = call.path.verb == "get" ? api::Verb::get : api::Verb::list;
  request.ns = call.path.ns;
  request.name = call.path.name;
  request.user = call.user.name;
  request.actor = "http";
  if (request.verb == api::Verb::get) return {};
  request.label_selector = call.uri.get("labelSelector");
  request.field_selector = call.uri.get("fieldSelector");
  return {};
}

void Metrics::respond(Call& call, api::Response found) const {
  if (!found.ok()) return call.fail(found.error);
  const bool list = call.path.verb == "list";
  if (!list) found.items = {found.object};
  std::optional<HttpResponse> response = answer(call, list, found.items);
  response ? call.respond(std::move(*response)) : call.fail(unmeasured(call));
}

std::optional<HttpResponse> Metrics::answer(const Call& call, bool list,
                                            std::span<const api::ObjectPtr> objects) const {
  const Resource& resource = *call.resource;
  const Manner& manner = call.manner;
  const TableRequest& table = call.table;
  const std::string window = window_text(source_->window());
  const std::string times =
      ",\"timestamp\":\"" + api::format_seconds(table.now.unix_ns / 1'000'000'000, 0, false) +
      "\",\"window\":\"" + window + "\",";
  const auto head = [&](const std::string& kind) {
    return "{\"kind\":\"" + kind + "\",\"apiVersion\":\"" + resource.group_version() + "\",";
  };
  std::vector<LooseRow> rows;
  for (const api::ObjectPtr& object : objects) {
    const std::optional<Measured> measured = measure(*source_, *object);
    if (!measured) continue;
    LooseRow& row = rows.emplace_back();
    row.metadata = metadata_json(*object, table.now);
    row.object = (list ? std::string("{") : head(resource.kind)) + "\"metadata\":" + row.metadata +
                 times + measured->members + "}";
    Cells cells(row.cells, table.now);
    cells.text(object->name());
    cells.text(cpu_text(measured->sum));
    cells.text(memory_text(measured->sum));
    cells.text(window);
    cells.end();
  }
  if (!list && rows.empty()) return std::nullopt;
  if (manner.accepted.shape != Shape::object) {
    return loose_response(200, kColumns, rows, list, manner, table);
  }
  if (!list) return json_response(200, std::move(rows.front().object), manner);
  std::string out = head(resource.kind + "List") + "\"metadata\":{},\"items\":[";
  for (const LooseRow& row : rows) {
    if (&row != rows.data()) out += ',';
    out += row.object;
  }
  return json_response(200, out + "]}", manner);
}

}  // namespace keelson::rest
