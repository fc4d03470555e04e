// What happens: faults, and what users do.
#include <algorithm>
#include <map>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "sim/scenario/parts.hpp"

namespace keelson::sim {

namespace {

const std::map<std::string, UserAction::Verb> kVerbs = {
    {"apply", UserAction::Verb::apply},       {"run", UserAction::Verb::run},
    {"expose", UserAction::Verb::expose},     {"scale", UserAction::Verb::scale},
    {"set-image", UserAction::Verb::set_image}, {"undo", UserAction::Verb::undo},
    {"pause", UserAction::Verb::pause},       {"resume", UserAction::Verb::resume},
    {"restart", UserAction::Verb::restart},   {"delete", UserAction::Verb::remove},
    {"cordon", UserAction::Verb::cordon},     {"uncordon", UserAction::Verb::uncordon},
    {"drain", UserAction::Verb::drain},
};

}  // namespace

FaultSpec read_fault(MapReader& map, const ReadErrors& errors) {
  FaultSpec fault;
  fault.kind = map.text("fault");
  fault.node = map.text("node", "random");
  fault.zone = map.text("zone");
  fault.counted = map.has("count");
  fault.count = map.integer("count", 1, 1, 1'000'000);
  fault.role = map.text("role");
  fault.process = map.text("process");
  if (const std::string resource = map.text("resource"); !resource.empty()) {
    if (const api::KindInfo* kind = api::find_resource(resource)) {
      fault.resource = kind->kind;
    } else {
      map.fail("resource", "\"" + resource + "\" is no kind of objects");
    }
  }
  fault.timed = map.has("for");
  if (map.text("for") == "forever") {
    fault.forever = true;
  } else {
    fault.lasts = map.duration("for", fault.lasts);
  }
  fault.ppm = map.ppm("share", fault.ppm);
  std::string by = map.text("by", "0s");
  const bool back = by.starts_with("-");
  if (back) by.erase(0, 1);
  if (auto parsed = parse_duration(by)) {
    fault.by = back ? -*parsed : *parsed;
  } else {
    map.fail("by", parsed.error().message);
  }
  fault.rate_ppm = map.integer("rate", 100, 10, 1'000) * 10'000;
  fault.at_most = map.integer("at-most", INT64_MAX, 1, INT64_MAX);
  fault.place = errors.file() + ":" + std::to_string(map.node().Mark().line + 1);
  if (const FaultKind* kind = find_fault(fault.kind)) {
    for (const char* parameter : {"node", "zone", "count", "role", "process", "resource", "for", "share",
                                  "by", "rate", "at-most"}) {
      if (!map.has(parameter) || kind->takes(parameter)) continue;
      map.fail(parameter, fault.kind + " does not take it; it takes: " + std::string(kind->parameters));
    }
  }
  return fault;
}

std::vector<api::ObjectPtr> read_manifest(MapReader& map, const std::string& field,
                                          const std::string& file) {
  std::vector<api::ObjectPtr> objects;
  const auto text = map.maybe_text(field);
  if (!text) return objects;
  auto decoded = api::decode_yaml(*text, file);
  if (!decoded) {
    map.fail(field, decoded.error().message);
    return objects;
  }
  for (auto& item : *decoded) objects.push_back(item.object);
  if (objects.empty()) map.fail(field, "contains no object");
  return objects;
}

UserAction read_action(MapReader& map, const ReadErrors& errors) {
  using Verb = UserAction::Verb;
  UserAction action;
  const std::string verb = map.text("do");
  const auto it = kVerbs.find(verb);
  if (it == kVerbs.end()) {
    std::string known;
    for (const auto& [name, value] : kVerbs) known += (known.empty() ? "" : ", ") + name;
    map.fail("do", "\"" + verb + "\" is nothing a user can do here; known: " + known);
    return action;
  }
  action.verb = it->second;
  action.ns = map.text("namespace", "default");
  action.name = map.text("name");
  action.image = map.text("image");
  action.replicas = map.integer("replicas", 1, 0, kReplicasMax);
  action.port = map.integer("port", 0, 0, 65535);
  action.type = map.text("type", "ClusterIP");
  action.revision = map.integer("revision", 0, 0, 1'000'000);
  const std::string cascade = map.text("cascade", "background");
  if (cascade == "foreground") {
    action.cascade = api::Propagation::foreground;
  } else if (cascade == "orphan") {
    action.cascade = api::Propagation::orphan;
  } else if (cascade != "background") {
    map.fail("cascade", "\"" + cascade + "\" is none of background, foreground, orphan");
  }
  if (map.has("cascade") && action.verb != Verb::remove) {
    map.fail("cascade", "only delete takes it");
  }
  action.objects = read_manifest(map, "manifest", errors.file());
  const std::string& n = action.name;
  if (n.empty() && action.verb != Verb::apply) map.fail("do", verb + " needs a name");
  if (action.type != "ClusterIP" && action.type != "NodePort" && action.type != "LoadBalancer") {
    map.fail("type", "\"" + action.type + "\" is none of ClusterIP, NodePort, LoadBalancer");
  }
  if (const auto slash = n.find('/'); slash != std::string::npos) {
    if (action.verb != Verb::remove) {
      map.fail("name", "only delete takes a kind before the name");
    } else if (api::find_resource(n.substr(0, slash)) == nullptr) {
      map.fail("name", "\"" + n.substr(0, slash) + "\" is no kind of objects");
    }
  }
  switch (action.verb) {
    case Verb::apply:
      if (action.objects.empty()) map.fail("do", "apply needs a manifest");
      action.text = "apply";
      for (const auto& o : action.objects) action.text += " " + api::to_string(o->key());
      break;
    case Verb::run:
      if (action.image.empty()) map.fail("do", "run needs an image");
      action.text = "run " + n + " --image=" + action.image;
      if (action.port != 0) action.text += " --port=" + std::to_string(action.port);
      if (action.replicas != 1) action.text += " --replicas=" + std::to_string(action.replicas);
      break;
    case Verb::expose:
      if (action.port == 0) map.fail("do", "expose needs a port");
      action.text = "expose deployment " + n + " --port=" + std::to_string(action.port) +
                    " --type=" + action.type;
      break;
    case Verb::scale:
      if (!map.has("replicas")) map.fail("do", "scale needs replicas");
      action.text = "scale deployments/" + n + " --replicas=" + std::to_string(action.replicas);
      break;
    case Verb::set_image:
      if (action.image.empty()) map.fail("do", "set-image needs an image");
      action.text = "set image deployments/" + n + " *=" + action.image;
      break;
    case Verb::undo:
      action.text = "rollout undo deployments/" + n;
      if (action.revision != 0) action.text += " --to-revision=" + std::to_string(action.revision);
      break;
    case Verb::pause: action.text = "rollout pause deployments/" + n; break;
    case Verb::resume: action.text = "rollout resume deployments/" + n; break;
    case Verb::restart: action.text = "rollout restart deployments/" + n; break;
    case Verb::remove:
      action.text = "delete " + n;
      if (cascade != "background") action.text += " --cascade=" + cascade;
      break;
    case Verb::cordon: action.text = "cordon " + n; break;
    case Verb::uncordon: action.text = "uncordon " + n; break;
    case Verb::drain: action.text = "drain " + n; break;
  }
  return action;
}

}  // namespace keelson::sim
