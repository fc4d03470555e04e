#include "core/controllers/endpoint_slice_mirroring.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "core/controllers/endpoint_slice.hpp"
#include "core/controllers/slice_parts.hpp"

namespace keelson::controllers {
namespace {

using Slice = api::Ref<api::EndpointSlice>;
using Ports = std::vector<EndpointPortNumber>;

constexpr const char* kSkipLabel = "endpointslice.kubernetes.io/skip-mirror";
// Endpoints that old clients elect leaders with lead to nobody.
constexpr const char* kElection = "control-plane.alpha.kubernetes.io/leader";
// What is about the Endpoints as they were written, and would only be wrong on a slice.
constexpr std::array<std::string_view, 2> kOwnAnnotations = {
    "kubectl.kubernetes.io/last-applied-configuration",
    "endpoints.kubernetes.io/last-change-trigger-time"};

bool wants_mirror(const api::Endpoints& endpoints) {
  const auto& labels = endpoints.metadata().labels();
  const auto skip = labels.find(kSkipLabel);
  return (skip == labels.end() || skip->second != "true") &&
         !endpoints.metadata().annotations().contains(kElection);
}

bool is_mirror(const api::Object& slice) {
  const auto& labels = slice.meta().labels();
  const auto found = labels.find(kSliceManagedByLabel);
  return found != labels.end() && found->second == kMirrorManager;
}

std::map<std::string, std::string> labels_for(const api::Endpoints& endpoints) {
  const auto& own = endpoints.metadata().labels();
  std::map<std::string, std::string> labels(own.begin(), own.end());
  labels.erase(kSkipLabel);
  labels[kServiceNameLabel] = endpoints.metadata().name();
  labels[kSliceManagedByLabel] = kMirrorManager;
  return labels;
}

std::map<std::string, std::string> annotations_for(const api::Endpoints& endpoints) {
  const auto& own = endpoints.metadata().annotations();
  std::map<std::string, std::string> annotations(own.begin(), own.end());
  for (const std::string_view name : kOwnAnnotations) annotations.erase(std::string(name));
  return annotations;
}

template <class Map>
bool same_texts(const Map& a, const std::map<std::string, std::string>& b) {
  return std::map<std::string, std::string>(a.begin(), a.end()) == b;
}

Ports ports_of_subset(const api::EndpointSubset& subset) {
  Ports ports;
  for (const api::EndpointPort& port : subset.ports()) {
    ports.push_back({port.name(), port.protocol(), port.app_protocol(), port.port()});
  }
  return ports;
}

// One slice that there should be: all addresses of a family behind the same ports.
using MirrorGroup = std::pair<std::string, Ports>;

class Mirror {
 public:
  Mirror(const View& view, const api::Ref<api::Endpoints>& endpoints, std::vector<Slice> slices)
      : view_(view),
        endpoints_(endpoints),
        labels_(labels_for(*endpoints)),
        annotations_(annotations_for(*endpoints)),
        spare_(std::move(slices)) {}

  Plan reflect() {
    for (const api::EndpointSubset& subset : endpoints_->subsets()) gather(subset);
    for (auto& [group, wanted] : wanted_) keep_or_note(group, wanted);
    for (const MirrorGroup* group : missing_) write(*group, take_spare(group->first));
    const uint32_t stage = plan_.writes.empty() ? 0 : 1;
    for (const Slice& slice : spare_) plan_.add(api::remove(slice.object()), stage);
    if (left_out_ > 0 && !plan_.writes.empty()) tell();
    return std::move(plan_);
  }

 private:
  void gather(const api::EndpointSubset& subset) {
    const Ports ports = ports_of_subset(subset);
    int taken = 0;
    const auto add = [&](const api::EndpointAddress& address, bool ready) {
      const bool ipv6 = address.ip().find(':') != std::string::npos;
      api::EndpointSlice& slice = wanted_[{ipv6 ? "IPv6" : "IPv4", ports}];
      if (taken >= kMirroredPerSubset || slice.endpoints_size() >= kMirroredPerSubset) {
        ++left_out_;
        return;
      }
      ++taken;
      auto& endpoint = *slice.add_endpoints();
      endpoint.add_addresses(address.ip());
      endpoint.mutable_conditions()->set_ready(ready);
      if (!address.hostname().empty()) endpoint.set_hostname(address.hostname());
      if (!address.node_name().empty()) endpoint.set_node_name(address.node_name());
      if (address.has_target_ref()) *endpoint.mutable_target_ref() = address.target_ref();
    };
    for (const api::EndpointAddress& address : subset.addresses()) add(address, true);
    for (const api::EndpointAddress& address : subset.not_ready_addresses()) add(address, false);
  }

  // A slice whose ports are right stays the one for them.
  void keep_or_note(const MirrorGroup& group, const api::EndpointSlice& wanted) {
    const auto found = std::find_if(spare_.begin(), spare_.end(), [&](const Slice& slice) {
      return slice->address_type() == group.first && ports_of(*slice) == group.second;
    });
    if (found == spare_.end()) {
      missing_.push_back(&group);
      return;
    }
    const Slice slice = *found;
    spare_.erase(found);
    if (!up_to_date(*slice, wanted)) write(group, slice);
  }

  bool up_to_date(const api::EndpointSlice& slice, const api::EndpointSlice& wanted) const {
    // Neither has maps in its endpoints, so equal ones have equal bytes.
    return std::equal(slice.endpoints().begin(), slice.endpoints().end(),
                      wanted.endpoints().begin(), wanted.endpoints().end(),
                      [](const auto& a, const auto& b) {
                        return a.SerializeAsString() == b.SerializeAsString();
                      }) &&
           same_texts(slice.metadata().labels(), labels_) &&
           same_texts(slice.metadata().annotations(), annotations_);
  }

  Slice take_spare(const std::string& family) {
    for (auto it = spare_.begin(); it != spare_.end(); ++it) {
      if ((*it)->address_type() != family) continue;
      Slice slice = *it;
      spare_.erase(it);
      return slice;
    }
    return {};
  }

  void write(const MirrorGroup& group, const Slice& existing) {
    api::EndpointSlice slice =
        existing ? *existing : new_slice(view_, endpoints_.object(), names_);
    slice.set_address_type(group.first);
    auto& meta = *slice.mutable_metadata();
    meta.clear_labels();
    meta.mutable_labels()->insert(labels_.begin(), labels_.end());
    meta.clear_annotations();
    meta.mutable_annotations()->insert(annotations_.begin(), annotations_.end());
    *slice.mutable_endpoints() = wanted_.at(group).endpoints();
    set_ports(group.second, slice);
    plan_.add(existing ? api::update(api::make_object(std::move(slice), existing.revision()))
                       : api::create(api::make_object(std::move(slice))),
              0);
  }

  void tell() {
    plan_.events.push_back(
        {endpoints_.ptr(), true, "TooManyAddressesToMirror",
         "A max of " + std::to_string(kMirroredPerSubset) +
             " addresses can be mirrored to EndpointSlices per Endpoints subset. " +
             std::to_string(left_out_) + " addresses were skipped"});
  }

  const View& view_;
  const api::Ref<api::Endpoints>& endpoints_;
  const std::map<std::string, std::string> labels_, annotations_;
  std::map<MirrorGroup, api::EndpointSlice> wanted_;  // only their endpoints
  std::vector<const MirrorGroup*> missing_;
  std::vector<Slice> spare_;  // existing ones that nothing is wanted in so far
  std::set<std::string> names_;
  int left_out_ = 0;
  Plan plan_;
};

std::vector<Slice> mirrors_of(const View& view, const api::ObjectKey& key) {
  api::Labels selector;
  selector[kServiceNameLabel] = key.name;
  selector[kSliceManagedByLabel] = kMirrorManager;
  std::vector<Slice> slices = view.select<api::EndpointSlice>(
      key.ns, api::LabelSelectorMatcher::from_set(selector));
  std::erase_if(slices, [](const Slice& slice) { return slice.object().deleting(); });
  return slices;
}

bool has_selector(const api::ObjectPtr& service) {
  return service && !service->as<api::Service>().spec().selector().empty();
}

}  // namespace

std::span<const api::Kind> EndpointSliceMirroringController::reads() const {
  static constexpr std::array kKinds{api::Kind::services, api::Kind::endpoints,
                                     api::Kind::endpoint_slices};
  return kKinds;
}

void EndpointSliceMirroringController::keys_for(const View& view, const api::ObjectPtr& before,
                                                const api::ObjectPtr& after,
                                                const KeySink& sink) const {
  const api::Object& any = after ? *after : *before;
  switch (any.kind()) {
    case api::Kind::services:
      // Most have selectors all their life, and are none of this controller's business.
      if ((before && !has_selector(before)) || (after && !has_selector(after))) {
        sink({api::Kind::endpoints, any.ns(), any.name()});
      }
      break;
    case api::Kind::endpoints: {
      const auto service = view.get<api::Service>(any.ns(), any.name());
      if (!service || service->spec().selector().empty()) sink(any.key());
      break;
    }
    case api::Kind::endpoint_slices:
      // Before the change, too: a mirror whose labels somebody removes is to be made again.
      for (const api::ObjectPtr& slice : {before, after}) {
        if (!slice || !is_mirror(*slice)) continue;
        const auto& labels = slice->meta().labels();
        const auto service = labels.find(kServiceNameLabel);
        if (service == labels.end() || service->second.empty()) continue;
        sink({api::Kind::endpoints, any.ns(), service->second});
      }
      break;
    default: break;
  }
}

Plan EndpointSliceMirroringController::reconcile(const View& view, const api::ObjectKey& key) {
  std::vector<Slice> slices = mirrors_of(view, key);
  const auto endpoints = view.get<api::Endpoints>(key.ns, key.name);
  const auto service = view.get<api::Service>(key.ns, key.name);
  const bool mirrored = endpoints && !endpoints.object().deleting() && wants_mirror(*endpoints) &&
                        service && service->spec().selector().empty();
  if (mirrored) return Mirror(view, endpoints, std::move(slices)).reflect();
  Plan plan;
  for (const Slice& slice : slices) plan.add(api::remove(slice.object()), 0);
  return plan;
}

}  // namespace keelson::controllers
