#include "tools/cli/cluster/explain_pod.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <map>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "core/scheduler/cache/cache.hpp"
#include "core/scheduler/config/configuration.hpp"
#include "core/scheduler/framework/explain.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "tools/cli/cluster/tabs.hpp"

namespace keelson::cli {

namespace {

using api::Kind;
using scheduler::Explanation;
using scheduler::NodeExplanation;

// What a decision looks at.
constexpr std::array kLookedAt{Kind::nodes,    Kind::namespaces,  Kind::pods,
                               Kind::services, Kind::replica_sets, Kind::pod_disruption_budgets};
// Nodes in the table, unless all are asked for.
constexpr std::size_t kNodesShown = 20;

Result<std::vector<api::ObjectPtr>> from_cluster(Session& session) {
  std::vector<api::ObjectPtr> out;
  for (const Kind kind : kLookedAt) {
    const api::KindInfo& info = api::info(kind);
    auto resource = session.resource(info.qualified);
    if (!resource) return resource.error();
    auto list = session.list(resource->path(""), "");
    if (!list) return list.error();
    for (const Json& item : list_at(*list, "items")) {
      JsonObject whole = item.get_object();
      whole["kind"] = info.name;  // items of a list go without
      whole["apiVersion"] = info.api_version;
      auto decoded = api::decode_object(boost::json::serialize(whole));
      if (!decoded) {
        return usage_error(fmt::format("{} \"{}\" of the server: {}", info.singular,
                                       text_at(item, "metadata.name"), decoded.error().message));
      }
      out.push_back(decoded->object);
    }
  }
  return out;
}

// Pods that were written by hand have no uid, by which the cache knows them, and often no namespace.
api::ObjectPtr named(const api::ObjectPtr& object, const std::string& ns) {
  if (object->kind() != Kind::pods || (!object->uid().empty() && !object->ns().empty())) return object;
  auto body = std::make_shared<api::Pod>(object->as<api::Pod>());
  api::ObjectMeta& meta = *body->mutable_metadata();
  if (meta.namespace_().empty()) meta.set_namespace_(ns);
  if (meta.uid().empty()) meta.set_uid(meta.namespace_() + "/" + meta.name());
  return std::make_shared<const api::Object>(Kind::pods, std::move(body), object->revision());
}

Result<std::string> content_of(Session& session, const std::string& path) {
  if (path == "-") return session.io.read_input();
  std::ifstream file(path, std::ios::binary);
  if (!file) return usage_error(fmt::format("the path \"{}\" does not exist", path));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<std::vector<api::ObjectPtr>> from_file(Session& session, const std::string& path) {
  const auto text = content_of(session, path);
  if (!text) return text.error();
  auto decoded = api::decode_yaml(*text, path);
  if (!decoded) return usage_error(decoded.error().message);
  std::vector<api::ObjectPtr> out;
  for (auto& one : *decoded) out.push_back(named(one.object, session.ns));
  return out;
}

// Those of a configuration file, or the default one: the API does not tell how its scheduler is set up.
Result<scheduler::Profiles> profiles_of(Session& session) {
  const auto& registry = scheduler::default_plugins();
  const std::string file = session.flags.get("scheduler-config");
  if (file.empty()) return scheduler::Configuration().make_profiles(registry);
  const auto text = content_of(session, file);
  if (!text) return text.error();
  const auto config = scheduler::parse_configuration(*text, file, registry);
  if (!config) return usage_error(config.error().message);
  return config->make_profiles(registry);
}

// As it was before it had a node.
api::ObjectPtr unplaced(const api::Object& pod) {
  auto body = std::make_shared<api::Pod>(pod.as<api::Pod>());
  body->mutable_spec()->clear_node_name();
  return std::make_shared<const api::Object>(Kind::pods, std::move(body), pod.revision());
}

// The cluster as a scheduler sees it, without the pod's own place.
api::ObjectPtr fill(scheduler::Cache& cache, const std::vector<api::ObjectPtr>& objects,
                    const std::string& ns, const std::string& name) {
  api::ObjectPtr subject;
  for (const api::ObjectPtr& object : objects) {
    if (object->kind() != Kind::pods) {
      cache.learn(object);
    } else if (object->ns() == ns && object->name() == name) {
      subject = object;
    }
  }
  for (const api::ObjectPtr& object : objects) {
    if (object->kind() != Kind::pods || object == subject) continue;
    const auto& pod = object->as<api::Pod>();
    cache.learn(object);
    if (pod.spec().node_name().empty() && !pod.status().nominated_node_name().empty()) {
      cache.snapshot().nominate(cache.info(object),
                                cache.words().id(pod.status().nominated_node_name()));
    }
  }
  if (subject) cache.learn(unplaced(*subject));
  cache.snapshot().reorder_if_needed();
  return subject;
}

std::string verdict_of(const NodeExplanation& node) {
  std::string text;
  for (const auto& rejection : node.rejections) {
    text += text.empty() ? "" : "; ";
    text += rejection.reason;
    if (!rejection.plugin.empty()) text += " (" + rejection.plugin + ")";
  }
  return text;
}

std::string table(const Explanation& all, std::size_t limit) {
  std::string text = "NODE\tTOTAL\t";
  const bool scored = !all.nodes.empty() && all.nodes.front().feasible();
  if (scored) {
    for (const auto& score : all.nodes.front().scores) {
      text += score.plugin;
      if (score.weight != 1) text += fmt::format("*{}", score.weight);
      text += '\t';
    }
  }
  text += "WHY NOT\n";
  std::size_t shown = 0;
  for (const NodeExplanation& node : all.nodes) {
    if (shown++ == limit) break;
    text += node.node + '\t';
    if (node.feasible()) {
      text += fmt::format("{}\t", node.total);
      for (const auto& score : node.scores) text += fmt::format("{}\t", score.score);
    } else {
      text += "-\t";
      if (scored) {
        for (std::size_t i = 0; i < all.nodes.front().scores.size(); ++i) text += "-\t";
      }
      text += verdict_of(node);
    }
    text += '\n';
  }
  std::string out = align_tabs(text, {6, 3});
  if (all.nodes.size() > limit) {
    out += fmt::format("... and {} more nodes (--all shows them)\n", all.nodes.size() - limit);
  }
  return out;
}

std::string headline(const Explanation& all, const api::Object& pod) {
  const std::string called = pod.ns() + "/" + pod.name();
  const std::string& on = pod.as<api::Pod>().spec().node_name();
  std::string text = on.empty() ? fmt::format("Pod {} has no node. ", called)
                                : fmt::format("Pod {} is on {}. ", called, on);
  const std::string would = on.empty() ? "It" : "Without its place there it";
  using Decided = scheduler::Decision::Kind;
  switch (all.decision.kind) {
    case Decided::node: {
      std::size_t best = 0;
      for (const NodeExplanation& node : all.nodes) {
        best += node.feasible() && node.total == all.nodes.front().total ? 1 : 0;
      }
      text += best > 1 ? fmt::format("{} would go to one of {} equally good nodes now.", would, best)
                       : fmt::format("{} would go to {} now.", would, all.chosen);
      break;
    }
    case Decided::preempt: {
      text += fmt::format("{} would make room on {} by preempting ", would, all.chosen);
      for (std::size_t i = 0; i < all.decision.victims.size(); ++i) {
        const auto& victim = *all.decision.victims[i];
        text += fmt::format("{}{}/{}", i == 0 ? "" : ", ", victim.ns(), victim.name());
      }
      text += '.';
      break;
    }
    case Decided::unschedulable:
    case Decided::error: text += fmt::format("{} can go nowhere now.", would); break;
  }
  return text + "\n";
}

std::string in_text(const Explanation& all, const api::Object& pod, std::size_t limit) {
  std::string out = headline(all, pod);
  if (!all.message.empty()) out += "\nWhy: " + all.message + "\n";
  if (!all.nodes.empty()) out += "\n" + table(all, limit);
  if (!all.hopes.empty()) {
    out += "\nWhat could help:\n";
    std::string lines;
    for (const auto& hope : all.hopes) {
      lines += fmt::format("  {}\t{}\n", hope.plugin, fmt::join(hope.events, "; "));
    }
    out += align_tabs(lines, {6, 3});
  }
  return out;
}

JsonArray in_json(const std::vector<scheduler::Rejection>& rejections) {
  JsonArray out;
  for (const auto& one : rejections) {
    out.push_back({{"plugin", one.plugin}, {"reason", one.reason}, {"preemptible", one.preemptible}});
  }
  return out;
}

Json in_json(const Explanation& all, const api::Object& pod) {
  JsonObject out{{"pod", pod.name()}, {"namespace", pod.ns()}, {"message", all.message}};
  out["node"] = pod.as<api::Pod>().spec().node_name();
  out["wouldGoTo"] = all.chosen;
  JsonArray victims, nodes, hopes;
  for (const auto& victim : all.decision.victims) {
    victims.push_back({{"namespace", victim->ns()}, {"name", victim->name()}});
  }
  for (const NodeExplanation& node : all.nodes) {
    JsonObject one{{"node", node.node}, {"feasible", node.feasible()}};
    if (node.feasible()) {
      one["total"] = node.total;
      JsonArray scores;
      for (const auto& score : node.scores) {
        scores.push_back(
            {{"plugin", score.plugin}, {"score", score.score}, {"weight", score.weight}});
      }
      one["scores"] = std::move(scores);
    } else {
      one["rejections"] = in_json(node.rejections);
    }
    nodes.push_back(std::move(one));
  }
  for (const auto& hope : all.hopes) {
    JsonArray events;
    for (const std::string& event : hope.events) events.push_back(Json(event));
    hopes.push_back({{"plugin", hope.plugin}, {"events", std::move(events)}});
  }
  out["victims"] = std::move(victims);
  out["forbidden"] = in_json(all.pod);
  out["nodes"] = std::move(nodes);
  out["couldHelp"] = std::move(hopes);
  return out;
}

// Why a pod that no profile is for is left alone. Pods without a name have the default one.
std::string another_scheduler(const api::Object& pod, bool configured) {
  const std::string& name = pod.as<api::Pod>().spec().scheduler_name();
  return fmt::format("no scheduler of this configuration is responsible for schedulerName \"{}\"{}",
                     name.empty() ? scheduler::kDefaultSchedulerName : std::string_view(name),
                     configured ? "" : " (--scheduler-config FILE names others)");
}

// The name alone; empty if the words do not name one pod.
std::string pod_name(const std::vector<std::string>& words) {
  if (words.empty()) return "";
  const auto slash = words[0].find('/');
  const std::string type = words[0].substr(0, slash);
  if (type != "pod" && type != "pods" && type != "po") return "";
  if (slash != std::string::npos) return words.size() == 1 ? words[0].substr(slash + 1) : "";
  return words.size() == 2 ? words[1] : "";
}

}  // namespace

bool names_a_pod(const std::vector<std::string>& words) {
  return !pod_name(words).empty();
}

Status explain_pod(Session& session) {
  const std::string output = session.flags.get("output");
  if (!output.empty() && output != "json") {
    return usage_error("explain pod NAME prints text, or with -o json JSON");
  }
  const std::string file = session.flags.get("filename");
  auto objects = file.empty() ? from_cluster(session) : from_file(session, file);
  if (!objects) return objects.error();
  const std::string name = pod_name(session.flags.args());
  const auto profiles = profiles_of(session);
  if (!profiles) return profiles.error();

  scheduler::Cache cache;
  const api::ObjectPtr pod = fill(cache, *objects, session.ns, name);
  if (!pod) {
    return usage_error(fmt::format("there is no pod \"{}\" in namespace \"{}\"{}", name, session.ns,
                                   file.empty() ? "" : " of " + file));
  }
  const auto subject = cache.info(unplaced(*pod));
  const std::string& nominated = pod->as<api::Pod>().status().nominated_node_name();
  if (!nominated.empty()) cache.snapshot().nominate(subject, cache.words().id(nominated));
  const auto* entry = profiles->of(*subject);
  Explanation all;
  if (entry != nullptr) {
    all = scheduler::explain(*entry->profile, cache.snapshot(), *subject);
  } else {
    all.decision.kind = scheduler::Decision::Kind::unschedulable;
    all.message = another_scheduler(*pod, session.flags.has("scheduler-config"));
  }
  if (output == "json") {
    session.io.out(pretty_text(in_json(all, *pod), 4) + "\n");
  } else {
    session.io.out(in_text(all, *pod, session.flags.on("all") ? all.nodes.size() : kNodesShown));
  }
  return {};
}

}  // namespace keelson::cli
