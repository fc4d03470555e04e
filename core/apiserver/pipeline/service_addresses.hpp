// Cluster IPs and node ports, unique among all services at every revision (EP-5), also with several
// API servers: whoever allocates writes, in the same transaction as the service, the Lease
// kube-system/keelson-service-addresses on condition that it is still at the revision at which it
// stands in memory. So no allocation was committed that this server has not seen. Giving an address
// back needs no such care.
#pragma once

#include "core/apiserver/pipeline/operation.hpp"

namespace keelson::apiserver {

inline constexpr std::string_view kServiceLane = "service-addresses";

// Fills in what `service` needs and lacks, keeps what `before` has, checks what it asks for.
// `*allocated`: the transaction must include touch_addresses().
ApiError assign_addresses(const Context& context, api::Service& service, const api::Service* before,
                          bool* allocated);
store::Write touch_addresses(const Context& context);

// The first address of the service network: that of default/kubernetes.
std::string first_service_address(const ApiServerOptions& options);

}  // namespace keelson::apiserver
