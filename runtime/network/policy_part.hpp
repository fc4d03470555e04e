// What policies and isolated pods are in nftables. Pure: tables in, text out.
//
//   in/NAMESPACE/POD     the policies that isolate the pod, one after another, and then: drop
//   pin/NAMESPACE/POLICY what the policy lets in: accept
// and likewise out/ and pout/. Each rule with peers has sets of their addresses, so that a pod that
// comes or goes anywhere changes an element and no rule.
#pragma once

#include "core/proxy/network_policy.hpp"
#include "runtime/network/nft_table.hpp"

namespace keelson::network {

NftPart policy_part(const proxy::PolicyName& name, const proxy::PolicyTable& table);
NftPart isolation_part(const proxy::PolicyName& pod, const proxy::PodIsolation& isolation);
// The way out is judged in a chain of its own before the way in: `accept` ends only one of them.
std::string policy_skeleton();

}  // namespace keelson::network
