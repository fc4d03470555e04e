#include "core/controllers/slice_parts.hpp"

#include "core/base/hash.hpp"
#include "core/controllers/owners.hpp"

namespace keelson::controllers {

api::EndpointSlice new_slice(const View& view, const api::Object& owner,
                             std::set<std::string>& taken) {
  static constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string name;
  for (uint64_t n = 0;; ++n) {
    uint64_t hash = hash_combine(hash_bytes(owner.uid()), n);
    name = owner.name() + "-";
    for (int i = 0; i < 5; ++i, hash /= kAlphabet.size()) {
      name += kAlphabet[hash % kAlphabet.size()];
    }
    if (!taken.contains(name) && !view.get<api::EndpointSlice>(owner.ns(), name)) break;
  }
  taken.insert(name);
  api::EndpointSlice slice;
  auto& meta = *slice.mutable_metadata();
  meta.set_namespace_(owner.ns());
  meta.set_name(name);
  *meta.add_owner_references() = controller_reference(owner);
  return slice;
}

std::vector<EndpointPortNumber> ports_of(const api::EndpointSlice& slice) {
  std::vector<EndpointPortNumber> ports;
  for (const auto& port : slice.ports()) {
    ports.push_back({port.name(), port.protocol(), port.app_protocol(), port.port()});
  }
  return ports;
}

void set_ports(const std::vector<EndpointPortNumber>& ports, api::EndpointSlice& slice) {
  slice.clear_ports();
  for (const EndpointPortNumber& number : ports) {
    auto& port = *slice.add_ports();
    port.set_name(number.name);
    port.set_protocol(number.protocol);
    port.set_port(number.port);
    if (!number.app_protocol.empty()) port.set_app_protocol(number.app_protocol);
  }
}

}  // namespace keelson::controllers
