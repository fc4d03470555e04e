#include "core/controllers/endpoint_slice.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "core/controllers/slice_parts.hpp"
#include "core/controllers/zones.hpp"

namespace keelson::controllers {
namespace {

using Slice = api::Ref<api::EndpointSlice>;
using SliceEndpoint = api::discovery::v1::Endpoint;
using Ports = std::vector<EndpointPortNumber>;

// One address that should stand in some slice.
struct Wanted {
  EndpointPod pod;
  std::string zone;
  bool placed = false;
};

// All addresses of one family that share the same port numbers: they can share slices.
struct Group {
  std::string family;
  Ports ports;
  std::vector<Wanted> wanted;
};

// What is to become of one slice.
struct Draft {
  Slice existing;  // null: to be created
  std::vector<const Wanted*> members;
  bool changed = false;
};

bool as_wanted(const SliceEndpoint& endpoint, const Wanted& wanted) {
  const auto& conditions = endpoint.conditions();
  return conditions.ready() == wanted.pod.ready && conditions.serving() == wanted.pod.serving &&
         conditions.terminating() == wanted.pod.terminating &&
         endpoint.hostname() == wanted.pod.hostname &&
         endpoint.node_name() == wanted.pod.pod->spec().node_name() &&
         endpoint.zone() == wanted.zone && endpoint.target_ref().name() == wanted.pod.pod.name();
}

void fill(const Wanted& wanted, SliceEndpoint* endpoint) {
  const api::Pod& pod = *wanted.pod.pod;
  endpoint->add_addresses(wanted.pod.ip);
  endpoint->mutable_conditions()->set_ready(wanted.pod.ready);
  endpoint->mutable_conditions()->set_serving(wanted.pod.serving);
  endpoint->mutable_conditions()->set_terminating(wanted.pod.terminating);
  if (!wanted.pod.hostname.empty()) endpoint->set_hostname(wanted.pod.hostname);
  if (!pod.spec().node_name().empty()) endpoint->set_node_name(pod.spec().node_name());
  if (!wanted.zone.empty()) endpoint->set_zone(wanted.zone);
  api::ObjectReference* target = endpoint->mutable_target_ref();
  target->set_kind("Pod");
  target->set_namespace_(pod.metadata().namespace_());
  target->set_name(pod.metadata().name());
  target->set_uid(pod.metadata().uid());
}

std::map<std::string, std::string> slice_labels(const api::Service& service) {
  std::map<std::string, std::string> labels(service.metadata().labels().begin(),
                                            service.metadata().labels().end());
  labels[kServiceNameLabel] = service.metadata().name();
  labels[kSliceManagedByLabel] = kSliceManager;
  labels.erase(kHeadlessLabel);
  if (headless(service)) labels[kHeadlessLabel] = "";
  return labels;
}

bool carries_labels(const api::Labels& a, const std::map<std::string, std::string>& b) {
  if (a.size() != b.size()) return false;
  return std::all_of(b.begin(), b.end(), [&](const auto& label) {
    const auto it = a.find(label.first);
    return it != a.end() && it->second == label.second;
  });
}

const std::string* label(const api::EndpointSlice& slice, const char* name) {
  const auto it = slice.metadata().labels().find(name);
  return it == slice.metadata().labels().end() ? nullptr : &it->second;
}

// The whole computation for one service. Lives for one reconcile().
class Packer {
 public:
  Packer(const View& view, const api::Ref<api::Service>& service)
      : view_(view), service_(service), labels_(slice_labels(*service)) {}

  Plan pack() {
    gather_groups();
    gather_slices();
    for (Group& group : groups_) place(group);
    place_nothing();
    return write();
  }

 private:
  void gather_groups() {
    std::map<std::pair<std::string, Ports>, std::size_t> known;
    for (const std::string& family : families_of(*service_)) {
      for (EndpointPod& pod : endpoint_pods(view_, *service_, family)) {
        Ports ports = ports_of(*service_, *pod.pod);
        if (ports.empty() && service_->spec().ports_size() > 0) continue;
        const auto [it, added] = known.try_emplace({family, ports}, groups_.size());
        if (added) groups_.push_back({family, std::move(ports), {}});
        std::string zone = zone_of_pod(*pod.pod);
        groups_[it->second].wanted.push_back({std::move(pod), std::move(zone), false});
      }
    }
  }

  std::string zone_of_pod(const api::Pod& pod) const {
    const auto node = view_.get<api::Node>({}, pod.spec().node_name());
    return node ? zone_label_of(*node) : std::string();
  }

  void gather_slices() {
    api::Labels selector;
    selector[kServiceNameLabel] = service_.name();
    selector[kSliceManagedByLabel] = kSliceManager;
    for (Slice& slice : view_.select<api::EndpointSlice>(
             service_.ns(), api::LabelSelectorMatcher::from_set(selector))) {
      taken_names_.insert(slice.name());
      // Slices of a service of the same name that was deleted are the garbage collector's.
      const bool ours = std::any_of(
          slice->metadata().owner_references().begin(), slice->metadata().owner_references().end(),
          [&](const api::OwnerReference& owner) { return owner.uid() == service_.uid(); });
      if (ours && !slice.object().deleting()) spare_.push_back(std::move(slice));
    }
  }

  // Keeps every address in the slice in which it stands; adds new ones where a write is due anyhow,
  // then to the fullest slice that takes them all, and only then to new slices.
  void place(Group& group) {
    std::map<std::pair<std::string, std::string>, Wanted*> by_identity;  // pod uid, address
    for (Wanted& wanted : group.wanted) {
      by_identity[{wanted.pod.pod.uid(), wanted.pod.ip}] = &wanted;
    }
    std::vector<Draft> drafts;
    std::erase_if(spare_, [&](const Slice& slice) {
      if (slice->address_type() != group.family || ports_of(*slice) != group.ports) {
        return false;
      }
      Draft draft;
      draft.existing = slice;
      draft.changed = !carries_labels(slice->metadata().labels(), labels_);
      for (const SliceEndpoint& endpoint : slice->endpoints()) {
        const std::string ip = endpoint.addresses_size() > 0 ? endpoint.addresses(0) : "";
        const auto it = by_identity.find({endpoint.target_ref().uid(), ip});
        if (it == by_identity.end() || it->second->placed) {
          draft.changed = true;
          continue;
        }
        it->second->placed = true;
        draft.members.push_back(it->second);
        draft.changed |= !as_wanted(endpoint, *it->second);
      }
      drafts.push_back(std::move(draft));
      return true;
    });
    std::vector<const Wanted*> rest;
    for (const Wanted& wanted : group.wanted) {
      if (!wanted.placed) rest.push_back(&wanted);
    }
    place_rest(group, drafts, std::move(rest));
    for (Draft& draft : drafts) {
      if (draft.members.empty() && draft.existing) {
        spare_.push_back(draft.existing);
      } else {
        finish(group, std::move(draft));
      }
    }
  }

  void place_rest(const Group& group, std::vector<Draft>& drafts,
                  std::vector<const Wanted*> rest) {
    const auto room = [](const Draft& draft) {
      return static_cast<std::size_t>(kSliceCapacity) -
             std::min<std::size_t>(draft.members.size(), kSliceCapacity);
    };
    const auto pour = [&](Draft& draft) {
      const std::size_t n = std::min(room(draft), rest.size());
      draft.members.insert(draft.members.end(), rest.begin(),
                           rest.begin() + static_cast<std::ptrdiff_t>(n));
      rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(n));
      draft.changed |= n > 0;
    };
    for (Draft& draft : drafts) {
      if (draft.changed) pour(draft);
    }
    while (!rest.empty()) {
      Draft* best = nullptr;
      for (Draft& draft : drafts) {
        if (room(draft) < std::min<std::size_t>(rest.size(), kSliceCapacity)) continue;
        if (!best || room(draft) < room(*best)) best = &draft;
      }
      if (!best) {
        best = &drafts.emplace_back();
        best->existing = take_spare(group.family);
      }
      pour(*best);
    }
  }

  // An emptied slice, or one of other ports, is as good as a new one and saves two writes.
  Slice take_spare(const std::string& family) {
    for (auto it = spare_.begin(); it != spare_.end(); ++it) {
      if ((*it)->address_type() != family || wanted_elsewhere(**it)) continue;
      Slice slice = *it;
      spare_.erase(it);
      return slice;
    }
    return {};
  }

  bool wanted_elsewhere(const api::EndpointSlice& slice) const {
    return std::any_of(groups_.begin(), groups_.end(), [&](const Group& group) {
      return group.family == slice.address_type() && group.ports == ports_of(slice) &&
             slice.endpoints_size() > 0;
    });
  }

  // A service without any address has one empty slice, so that clients can tell "none" from
  // "unknown". It has no ports either: they are those of pods.
  void place_nothing() {
    if (!updates_.empty() || kept_ > 0) return;
    const std::string family = families_of(*service_).front();
    const auto it = std::find_if(spare_.begin(), spare_.end(), [&](const Slice& slice) {
      return slice->address_type() == family;
    });
    Draft draft;
    if (it != spare_.end()) {
      draft.existing = *it;
      spare_.erase(it);
      draft.changed = draft.existing->endpoints_size() > 0 || draft.existing->ports_size() > 0 ||
                      !carries_labels(draft.existing->metadata().labels(), labels_);
      if (!draft.changed) return;
    }
    finish({family, {}, {}}, std::move(draft));
  }

  void finish(const Group& group, Draft draft) {
    if (draft.existing && !draft.changed) {
      ++kept_;
      return;
    }
    api::EndpointSlice slice = draft.existing ? *draft.existing
                                              : new_slice(view_, service_.object(), taken_names_);
    auto& labels = *slice.mutable_metadata()->mutable_labels();
    labels.clear();
    labels.insert(labels_.begin(), labels_.end());
    slice.set_address_type(group.family);
    slice.clear_endpoints();
    for (const Wanted* wanted : draft.members) fill(*wanted, slice.add_endpoints());
    set_ports(group.ports, slice);
    updates_.push_back(draft.existing
                           ? api::update(api::make_object(std::move(slice),
                                                          draft.existing.revision()))
                           : api::create(api::make_object(std::move(slice))));
  }

  // First what adds or changes addresses, then what removes whole slices.
  Plan write() {
    Plan plan;
    std::size_t addresses = 0;
    for (const Group& group : groups_) addresses += group.wanted.size();
    plan.rest = rest_after(addresses);
    for (api::Request& request : updates_) plan.add(std::move(request), 0);
    const uint32_t stage = plan.writes.empty() ? 0 : 1;
    for (const Slice& slice : spare_) plan.add(api::remove(slice.object()), stage);
    return plan;
  }

  const View& view_;
  const api::Ref<api::Service>& service_;
  const std::map<std::string, std::string> labels_;
  std::vector<Group> groups_;
  std::vector<Slice> spare_;  // existing slices not (or no longer) in use
  std::set<std::string> taken_names_;
  std::vector<api::Request> updates_;
  std::size_t kept_ = 0;
};

}  // namespace

std::span<const api::Kind> EndpointSliceController::reads() const {
  static constexpr std::array kKinds{api::Kind::services, api::Kind::nodes,
                                     api::Kind::endpoint_slices, api::Kind::pods};
  return kKinds;
}

void EndpointSliceController::keys_for(const View& view, const api::ObjectPtr& before,
                                       const api::ObjectPtr& after, const KeySink& sink) const {
  const api::Object& any = after ? *after : *before;
  const auto service_sink = [&](const std::string& ns) {
    return [&sink, ns](const std::string& service) { sink({api::Kind::services, ns, service}); };
  };
  switch (any.kind()) {
    case api::Kind::services:
      index_.apply(before, after);
      sink(any.key());
      break;
    case api::Kind::endpoint_slices:
      if (const std::string* service = label(any.as<api::EndpointSlice>(), kServiceNameLabel)) {
        sink({api::Kind::services, any.ns(), *service});
      }
      break;
    case api::Kind::pods:
      services_concerned(index_, before, after, service_sink(any.ns()));
      break;
    case api::Kind::nodes:
      // The zone is copied into endpoints.
      if (!after || (before && zone_label_of(before->as<api::Node>()) ==
                                   zone_label_of(after->as<api::Node>()))) {
        break;
      }
      for (const auto& pod : view.pods_on(any.name())) {
        index_.visit(pod.ns(), pod->metadata().labels(), service_sink(pod.ns()));
      }
      break;
    default:
      break;
  }
}

Plan EndpointSliceController::reconcile(const View& view, const api::ObjectKey& key) {
  const auto service = view.get<api::Service>(key.ns, key.name);
  // The slices of a service that is gone are dependents, which the garbage collector removes.
  if (!service || service.object().deleting() || !selects_pods(*service)) return {};
  return Packer(view, service).pack();
}

}  // namespace keelson::controllers
