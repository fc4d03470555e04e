#include "core/api/ephemeral_container.hpp"

namespace keelson::api {

Container as_container(const EphemeralContainer& ephemeral) {
  // Same fields, numbers and types; rare enough to be copied through the wire format.
  Container container;
  container.ParseFromString(ephemeral.ephemeral_container_common().SerializeAsString());
  return container;
}

}  // namespace keelson::api
