#include "sim/lab/whatif.hpp"

#include <algorithm>
#include <set>

#include "core/api/validation.hpp"
#include "sim/lab/objects.hpp"
#include "sim/lab/whatif_target.hpp"
#include "sim/lab/whatif_world.hpp"

namespace keelson::lab {

namespace {

Error wrong(std::string what) { return {Code::invalid, std::move(what)}; }

bool has_node(const Workload& workload, const std::string& name) {
  return std::any_of(workload.nodes.begin(), workload.nodes.end(),
                     [&](const api::ObjectPtr& node) { return node->name() == name; });
}

Error no_node(const Workload& workload, const std::string& name) {
  std::string some;
  for (std::size_t i = 0; i < workload.nodes.size() && i < 5; ++i) {
    some += (i == 0 ? "" : ", ") + workload.nodes[i]->name();
  }
  return wrong("there is no node \"" + name + "\"; there are " +
               std::to_string(workload.nodes.size()) + ": " + some +
               (workload.nodes.size() > 5 ? ", ..." : ""));
}

class Changes {
 public:
  Changes(Workload dump, const WhatIfOptions& options, std::span<const Change> changes)
      : dump_(std::move(dump)), options_(options), changes_(changes) {}

  Result<WhatIf> run() {
    {
      auto before = WhatIfWorld::make(dump_, options_);
      if (!before) return before.error();
      before_ = (*before)->usage();
    }
    for (const Change& change : changes_) {
      if (change.kind != Change::Kind::add_nodes) continue;
      if (Status added = add_nodes(change); !added.ok()) return added.error();
    }
    auto world = WhatIfWorld::make(dump_, options_);
    if (!world) return world.error();
    world_ = std::move(*world);
    for (const auto step : {&Changes::cordon, &Changes::lose_nodes, &Changes::change_workload}) {
      for (const Change& change : changes_) {
        if (Status made = (this->*step)(change); !made.ok()) return made.error();
      }
    }
    world_->schedule();
    std::vector<std::string> undrained = drain();
    WhatIf result = world_->result();
    result.before = std::move(before_);
    result.undrained = std::move(undrained);
    result.refused = std::move(refused_);
    return result;
  }

 private:
  Status add_nodes(const Change& change) {
    api::ObjectPtr like;
    for (const api::ObjectPtr& node : dump_.nodes) {
      const bool right = change.target.empty() ? !node->as<api::Node>().spec().unschedulable()
                                               : node->name() == change.target;
      if (right && !like) like = node;
    }
    if (!like) {
      return change.target.empty() ? wrong("all nodes are cordoned: which one are the new ones to be --like?")
                                   : no_node(dump_, change.target);
    }
    for (int64_t i = 1, made = 0; made < change.count; ++i) {
      const std::string name = like->name() + "-new-" + std::to_string(i);
      if (has_node(dump_, name)) continue;
      ++made;
      api::Node node = like->as<api::Node>();
      node.mutable_metadata()->set_name(name);
      node.mutable_metadata()->set_uid(name);
      node.mutable_spec()->set_unschedulable(false);
      (*node.mutable_metadata()->mutable_labels())[kHostnameLabel] = name;
      dump_.nodes.push_back(api::make_object(std::move(node)));
      copy_daemons(like->name(), name);
    }
    return {};
  }

  // Its daemons will run on a new node, too.
  void copy_daemons(const std::string& from, const std::string& to) {
    const std::size_t count = dump_.bound.size();
    for (std::size_t i = 0; i < count; ++i) {
      const auto& original = dump_.bound[i]->as<api::Pod>();
      if (original.spec().node_name() != from) continue;
      const auto& owners = original.metadata().owner_references();
      if (std::none_of(owners.begin(), owners.end(),
                       [](const auto& owner) { return owner.kind() == "DaemonSet"; })) {
        continue;
      }
      api::Pod pod = original;
      pod.mutable_metadata()->set_name(original.metadata().name() + "-on-" + to);
      pod.mutable_metadata()->set_uid(pod.metadata().namespace_() + "/" + pod.metadata().name());
      pod.mutable_spec()->set_node_name(to);
      dump_.bound.push_back(api::make_object(std::move(pod)));
    }
  }

  Status cordon(const Change& change) {
    if (change.kind != Change::Kind::drain) return {};
    for (const api::ObjectPtr& node : dump_.nodes) {
      if (node->name() != change.target) continue;
      api::Node changed = node->as<api::Node>();
      changed.mutable_spec()->set_unschedulable(true);
      world_->cluster().cache().set_node(api::make_object(std::move(changed)));
      return {};
    }
    return no_node(dump_, change.target);
  }

  Status lose_nodes(const Change& change) {
    std::set<std::string> lost;
    if (change.kind == Change::Kind::remove_node) {
      if (!has_node(dump_, change.target)) return no_node(dump_, change.target);
      lost.insert(change.target);
    } else if (change.kind == Change::Kind::fail) {
      std::set<std::string> zones;
      for (const api::ObjectPtr& node : dump_.nodes) {
        const auto zone = node->meta().labels().find(kZoneLabel);
        if (zone == node->meta().labels().end()) continue;
        zones.insert(zone->second);
        if (zone->second == change.target) lost.insert(node->name());
      }
      if (lost.empty()) {
        std::string known;
        for (const std::string& zone : zones) known += (known.empty() ? "" : ", ") + zone;
        return wrong("no node is in zone \"" + change.target + "\"; zones: " +
                     (known.empty() ? "none (label " + std::string(kZoneLabel) + ")" : known));
      }
    }
    std::vector<uint64_t> displaced;
    for (const auto& entry : world_->pods()) {
      if (lost.count(entry.second.node)) displaced.push_back(entry.first);
    }
    for (const std::string& node : lost) world_->cluster().cache().remove_node(node);
    for (const uint64_t number : displaced) {
      world_->budgets().lost(*world_->pods().at(number).object);
      world_->displace_for_now(number, "its node is gone");
    }
    return {};
  }

  std::vector<uint64_t> pods_of(const Target& target) {
    std::vector<uint64_t> numbers;
    for (const auto& entry : world_->pods()) {
      const api::Object& pod = *entry.second.object;
      const Maker maker = world_->maker_of(pod);
      if (pod.ns() == target.ns && maker.kind == target.kind && maker.name == target.name) {
        numbers.push_back(entry.first);
      }
    }
    return numbers;
  }

  Status change_workload(const Change& change) {
    if (change.kind != Change::Kind::image && change.kind != Change::Kind::scale) return {};
    const auto target = parse_target(change.target);
    if (!target) return target.error();
    const std::vector<uint64_t> numbers = pods_of(*target);
    if (numbers.empty()) {
      return wrong("there are no pods of " + change.target + " in namespace " + target->ns +
                   ", so nobody knows what they would ask for");
    }
    return change.kind == Change::Kind::scale ? scale(change, *target, numbers)
                                              : set_image(change, *target, numbers);
  }

  Status scale(const Change& change, const Target& target, std::vector<uint64_t> numbers) {
    const auto now = static_cast<int64_t>(numbers.size());
    const api::ObjectPtr model = world_->pods().at(numbers.front()).object;
    for (int64_t i = now; i < change.count; ++i) {
      world_->add_pod(renamed(model, target.name + "-new-" + std::to_string(i + 1)), "new replica");
    }
    // Those without a node go first, then the youngest.
    std::stable_sort(numbers.begin(), numbers.end(), [&](uint64_t a, uint64_t b) {
      const bool a_waits = world_->pods().at(a).node.empty(), b_waits = world_->pods().at(b).node.empty();
      return a_waits != b_waits ? a_waits : a > b;
    });
    for (int64_t i = change.count; i < now; ++i) {
      world_->remove_pod(numbers[static_cast<std::size_t>(i - change.count)], "scaled down");
    }
    return {};
  }

  static api::ObjectPtr renamed(const api::ObjectPtr& model, const std::string& name) {
    api::Pod pod = model->as<api::Pod>();
    pod.mutable_metadata()->set_name(name);
    return api::make_object(std::move(pod));
  }

  // As a rolling update does it: never more pods than the surge allows, never fewer with a place than
  // may be unavailable.
  Status set_image(const Change& change, const Target& target, const std::vector<uint64_t>& old) {
    api::Pod model = world_->pods().at(old.front()).object->as<api::Pod>();
    if (Status set = put_image(change, model); !set.ok()) return set;
    const auto total = static_cast<int32_t>(old.size());
    int32_t surge = 0, unavailable = 0;
    limits_of(target, total, surge, unavailable);
    world_->schedule();
    std::size_t gone = 0;
    int32_t made = 0;
    for (bool progress = true; progress && (gone < old.size() || made < total);) {
      progress = false;
      int32_t present = made + static_cast<int32_t>(old.size() - gone);
      for (; made < total && present < total + surge; ++made, ++present) {
        model.mutable_metadata()->set_name(target.name + "-new-" + std::to_string(made + 1));
        world_->add_pod(api::make_object(model), "new image");
        progress = true;
      }
      progress = world_->schedule() || progress;
      int32_t available = 0;
      for (const uint64_t number : pods_of(target)) {
        available += !world_->pods().at(number).node.empty();
      }
      while (gone < old.size()) {
        const bool placed = world_->pods().count(old[gone]) && !world_->pods().at(old[gone]).node.empty();
        if (placed && available <= total - unavailable) break;
        if (world_->pods().count(old[gone])) world_->remove_pod(old[gone], "replaced by a new image");
        available -= placed;
        ++gone;
        progress = true;
      }
    }
    return {};
  }

  static Status put_image(const Change& change, api::Pod& pod) {
    std::string names;
    for (auto& container : *pod.mutable_spec()->mutable_containers()) {
      names += (names.empty() ? "" : ", ") + container.name();
      const bool only = pod.spec().containers_size() == 1 && change.container.empty();
      if (!only && container.name() != change.container) continue;
      container.set_image(change.image);
      return {};
    }
    return wrong(change.target + " has the containers " + names + ": say which, as in " +
                 change.target + "/CONTAINER=" + change.image);
  }

  void limits_of(const Target& target, int32_t total, int32_t& surge, int32_t& unavailable) const {
    api::IntOrString most_more = api::string_value("25%"), most_fewer = api::string_value("25%");
    for (const api::ObjectPtr& other : dump_.others) {
      if (other->kind() != api::Kind::deployments || other->ns() != target.ns) continue;
      if (other->name() != target.name || target.kind != "Deployment") continue;
      const auto& rolling = other->as<api::Deployment>().spec().strategy().rolling_update();
      if (rolling.has_max_surge()) most_more = rolling.max_surge();
      if (rolling.has_max_unavailable()) most_fewer = rolling.max_unavailable();
    }
    surge = api::scaled_value(most_more, total, true);
    unavailable = api::scaled_value(most_fewer, total, false);
    if (target.kind == "StatefulSet") surge = 0;
    if (surge == 0 && unavailable == 0) unavailable = 1;
  }

  // What kubectl drain looks at before it evicts the first pod of a node.
  bool refuses(const std::string& node) {
    const std::size_t before = refused_.size();
    for (const auto& entry : world_->pods()) {
      const api::Object& pod = *entry.second.object;
      if (entry.second.node != node || world_->of_node(pod)) continue;
      const auto& volumes = pod.as<api::Pod>().spec().volumes();
      const bool local = std::any_of(volumes.begin(), volumes.end(),
                                     [](const auto& volume) { return volume.volume_source().has_empty_dir(); });
      const char* why = nullptr;
      if (local && !options_.delete_emptydir_data) {
        why = "its emptyDir would be lost (--delete-emptydir-data)";
      } else if (world_->maker_of(pod).kind.empty() && !options_.force) {
        why = "nobody would make it again (--force)";
      }
      if (why != nullptr) refused_.push_back({node, pod.ns(), pod.name(), why});
    }
    return refused_.size() > before;
  }

  // Answers the nodes that are not empty in the end, without those that refused.
  std::vector<std::string> drain() {
    std::set<std::string> drained;
    for (const Change& change : changes_) {
      if (change.kind == Change::Kind::drain) drained.insert(change.target);
    }
    std::erase_if(drained, [&](const std::string& node) { return refuses(node); });
    const auto to_evict = [&] {
      std::vector<uint64_t> numbers;
      for (const auto& entry : world_->pods()) {
        if (drained.count(entry.second.node) && !world_->of_node(*entry.second.object)) {
          numbers.push_back(entry.first);
        }
      }
      return numbers;
    };
    for (bool progress = !drained.empty(); progress;) {
      progress = false;
      for (const uint64_t number : to_evict()) {
        const api::ObjectPtr pod = world_->pods().at(number).object;
        if (!world_->budgets().evict(*pod)) continue;
        progress = true;
        world_->displace_for_now(number, "drained");
      }
      world_->schedule();
    }
    std::set<std::string> undrained;
    for (const uint64_t number : to_evict()) {
      world_->budgets().blocked(*world_->pods().at(number).object);
      undrained.insert(world_->pods().at(number).node);
    }
    return {undrained.begin(), undrained.end()};
  }

  Workload dump_;
  const WhatIfOptions& options_;
  std::span<const Change> changes_;
  std::vector<Refusal> refused_;
  std::unique_ptr<WhatIfWorld> world_;
  Usage before_;
};

}  // namespace

bool WhatIf::fits() const {
  const bool all_placed = std::all_of(pending.begin(), pending.end(),
                                      [](const Moved& one) { return one.why == "was pending"; });
  return all_placed && undrained.empty() && refused.empty();
}

Result<WhatIf> what_if(const Workload& dump, const WhatIfOptions& options,
                       std::span<const Change> changes) {
  return Changes(dump, options, changes).run();
}

}  // namespace keelson::lab
