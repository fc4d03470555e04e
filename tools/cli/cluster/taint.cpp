// taint: KEY=VALUE:EFFECT sets, KEY:EFFECT- and KEY- remove.
#include <fmt/format.h>

#include <algorithm>

#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

struct Taint {
  std::string key, value, effect;
  bool remove = false;
};

constexpr std::string_view kEffects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute"};

Result<Taint> parse_taint(const std::string& word) {
  Taint taint;
  std::string text = word;
  if (text.ends_with('-')) {
    taint.remove = true;
    text.pop_back();
  }
  const auto colon = text.find(':');
  if (colon != std::string::npos) taint.effect = text.substr(colon + 1);
  const std::string pair = text.substr(0, colon);
  const auto equals = pair.find('=');
  taint.key = pair.substr(0, equals);
  if (equals != std::string::npos) taint.value = pair.substr(equals + 1);
  if (taint.key.empty() || (!taint.remove && colon == std::string::npos)) {
    return usage_error("unknown taint spec: " + word);
  }
  const bool known =
      std::find(std::begin(kEffects), std::end(kEffects), taint.effect) != std::end(kEffects);
  if (!known && !(taint.remove && taint.effect.empty())) {
    return usage_error(
        fmt::format("invalid taint effect: {}, unsupported taint effect", taint.effect));
  }
  return taint;
}

Status taint_one(Session& session, const Found& found, const std::vector<Taint>& taints) {
  JsonArray list = list_at(found.object, "spec.taints");
  bool added = false, removed = false, modified = false;
  for (const Taint& taint : taints) {
    const auto same = [&](const Json& one) {
      return text_at(one, "key") == taint.key &&
             (taint.effect.empty() || text_at(one, "effect") == taint.effect);
    };
    const auto at = std::find_if(list.begin(), list.end(), same);
    if (taint.remove) {
      if (at == list.end()) {
        return usage_error(taint.effect.empty()
                               ? fmt::format("taint \"{}\" not found", taint.key)
                               : fmt::format("taint \"{}:{}\" not found", taint.key, taint.effect));
      }
      JsonArray rest;
      for (const Json& one : list) {
        if (!same(one)) rest.push_back(one);
      }
      list = std::move(rest);
      removed = true;
      continue;
    }
    JsonObject one{{"key", taint.key}, {"effect", taint.effect}};
    if (!taint.value.empty()) one["value"] = taint.value;
    if (at == list.end()) {
      list.push_back(std::move(one));
      added = true;
    } else if (session.flags.on("overwrite")) {
      *at = std::move(one);
      modified = true;
    } else {
      return usage_error(fmt::format(
          "node {} already has {} taint(s) with same effect(s) and --overwrite is false",
          found.name, taint.key));
    }
  }
  const std::string_view operation = modified || (added && removed) ? "modified"
                                     : removed                      ? "untainted"
                                                                    : "tainted";
  if (session.dry_run() == "client") return session.report(found.resource, found.object, operation);
  // The whole list: it is atomic to the server. An empty one would be no change to a merge.
  const Json body{{"spec", {{"taints", list.empty() ? Json(nullptr) : Json(list)}}}};
  auto changed = session.send("PATCH", found.path(), body, patch::strategic);
  if (!changed) return changed.error();
  return session.report(found.resource, *changed, operation);
}

Status taint(Session& session) {
  std::vector<std::string> objects;
  std::vector<Taint> taints;
  const auto& args = session.flags.args();
  for (std::size_t i = 0; i < args.size(); ++i) {
    const bool spec =
        i > 0 && (args[i].find_first_of("=:") != std::string::npos || args[i].ends_with('-'));
    if (!spec) {
      objects.push_back(args[i]);
      continue;
    }
    auto one = parse_taint(args[i]);
    if (!one) return one.error();
    taints.push_back(std::move(*one));
  }
  if (taints.empty()) return usage_error("at least one taint update is required");
  auto found = fetch(session, objects, true);
  if (!found) return found.error();
  for (const Found& one : *found) {
    if (one.resource.kind != "Node")
      return usage_error("invalid resource type " + one.resource.plural +
                         ", only node(s) is supported");
    if (auto ok = taint_one(session, one, taints); !ok) session.complain(ok.error());
  }
  return {};
}

}  // namespace

std::vector<Verb> taint_verbs() {
  return {{"taint", "NODE NAME KEY=VALUE:EFFECT... KEY:EFFECT-...",
           "set and remove taints of nodes",
           with_report(with_selection({{"overwrite", "", "change those that are there"}})), taint,
           "  keelson taint nodes n1 maintenance=soon:NoSchedule\n  keelson taint nodes n1 "
           "maintenance-\n"}};
}

}  // namespace keelson::cli
