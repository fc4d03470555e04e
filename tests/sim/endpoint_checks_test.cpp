// The checks of services: each fires on a broken history and not on a right one.
#include <gtest/gtest.h>

#include "tests/sim/event_builder.hpp"

namespace keelson::sim::test {
namespace {

using namespace keelson::test;

constexpr const char* kEndpoints = "controller-manager-0/endpoints";
constexpr const char* kSlices = "controller-manager-0/endpointslice";

class ServiceBuilder : public Builder<api::Service, ServiceBuilder> {
 public:
  explicit ServiceBuilder(const std::string& name) : Builder(name) {
    (*message_.mutable_spec()->mutable_selector())["app"] = name;
  }
  ServiceBuilder& cluster_ip(const std::string& ip) {
    message_.mutable_spec()->set_cluster_ip(ip);
    return *this;
  }
  ServiceBuilder& node_port(int32_t port) {
    message_.mutable_spec()->add_ports()->set_node_port(port);
    return *this;
  }
};

class SliceBuilder : public Builder<api::EndpointSlice, SliceBuilder> {
 public:
  SliceBuilder(const std::string& name, const api::ObjectPtr& service) : Builder(name) {
    label("kubernetes.io/service-name", service->name());
    label("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io");
    owner(service);
  }
  SliceBuilder& address(const std::string& ip, const std::string& pod) {
    auto* endpoint = message_.add_endpoints();
    endpoint->add_addresses(ip);
    endpoint->mutable_conditions()->set_ready(true);
    endpoint->mutable_target_ref()->set_name(pod);
    endpoint->mutable_target_ref()->set_uid("uid-" + pod);
    return *this;
  }
};

class EndpointsBuilder : public Builder<api::Endpoints, EndpointsBuilder> {
 public:
  using Builder::Builder;
  EndpointsBuilder& address(const std::string& ip, const std::string& pod) {
    if (message_.subsets_size() == 0) message_.add_subsets();
    auto* address = message_.mutable_subsets(0)->add_addresses();
    address->set_ip(ip);
    address->mutable_target_ref()->set_name(pod);
    address->mutable_target_ref()->set_uid("uid-" + pod);
    return *this;
  }
};

struct Services : testing::Test {
  History h{add_endpoint_checks};
  const api::ObjectPtr web = ServiceBuilder("web");

  void SetUp() override { h.put(web); }
  static PodBuilder own(const std::string& name, const std::string& ip) {
    return pod(name).label("app", "web").ip(ip).on("n1");
  }
  SliceBuilder slice(const std::string& name) const { return {name, web}; }
};

TEST_F(Services, AReadyPodIsPendingUntilBothListItAndOneThatEndsUntilNeitherDoes) {
  h.put(own("a", "10.0.0.1").ready());
  EXPECT_EQ(h.pending(), "EP-1: lacks the address 10.0.0.1 of pod uid-a in its slices, "
                         "EP-1: lacks the address 10.0.0.1 of pod uid-a in its endpoints");
  h.put(slice("web-1").address("10.0.0.1", "a"), kSlices, h.knowing());
  EXPECT_EQ(h.pending(), "EP-1: lacks the address 10.0.0.1 of pod uid-a in its endpoints");
  h.put(EndpointsBuilder("web").address("10.0.0.1", "a"), kEndpoints, h.knowing());
  EXPECT_EQ(h.pending(), "");
  h.put(own("a", "10.0.0.1").ready().deleting());
  EXPECT_EQ(h.pending(), "EP-1: still has the address 10.0.0.1 of pod uid-a in its slices, "
                         "EP-1: still has the address 10.0.0.1 of pod uid-a in its endpoints");
  EXPECT_EQ(h.broken(), "");
  EXPECT_EQ(h.evaluations("EP-2"), 2u);
}

TEST_F(Services, AddingAPodThatIsNotReadyBreaksEp2) {
  h.put(own("a", "10.0.0.1").not_ready());
  h.put(slice("web-1").address("10.0.0.1", "a"), kSlices, h.knowing());
  EXPECT_EQ(h.broken(), "EP-2");
}

TEST_F(Services, AddingAPodThatTerminatesBreaksEp2) {
  h.put(own("a", "10.0.0.1").ready().deleting());
  h.put(EndpointsBuilder("web").address("10.0.0.1", "a"), kEndpoints, h.knowing());
  EXPECT_EQ(h.broken(), "EP-2");
}

TEST_F(Services, AddingAPodUnderAnothersAddressBreaksEp2) {
  h.put(own("a", "10.0.0.1").ready());
  h.put(slice("web-1").address("10.0.0.2", "a"), kSlices, h.knowing());
  EXPECT_EQ(h.broken(), "EP-2");
}

TEST_F(Services, WhatWasNotKnownYetIsNoBreach) {
  h.put(own("a", "10.0.0.1").ready());
  const auto early = h.knowing();
  h.put(own("a", "10.0.0.1").not_ready());
  h.put(slice("web-1").address("10.0.0.1", "a"), kSlices, early);
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Services, NotReadyPodsMayBePublishedWhereTheServiceSaysSo) {
  h.put(ServiceBuilder("web").with([](auto& m) {
    m.mutable_spec()->set_publish_not_ready_addresses(true);
  }));
  h.put(own("a", "10.0.0.1").not_ready());
  h.put(slice("web-1").address("10.0.0.1", "a"), kSlices, h.knowing());
  EXPECT_EQ(h.broken(), "");
}

TEST_F(Services, ASliceOfMoreThanAHundredBreaksEp3) {
  SliceBuilder big = slice("web-1");
  for (int i = 0; i <= 100; ++i) {
    const std::string name = "p" + std::to_string(i), ip = "10.0.1." + std::to_string(i);
    h.put(own(name, ip).ready());
    big.address(ip, name);
  }
  h.put(big, kSlices, h.knowing());
  EXPECT_EQ(h.broken(), "EP-3");
}

TEST_F(Services, AnAddressInTwoSlicesIsPending) {
  h.put(own("a", "10.0.0.1").ready());
  for (const char* name : {"web-1", "web-2"}) {
    h.put(slice(name).address("10.0.0.1", "a"), kSlices, h.knowing());
  }
  h.put(EndpointsBuilder("web").address("10.0.0.1", "a"), kEndpoints, h.knowing());
  EXPECT_EQ(h.pending(), "EP-3: has the address 10.0.0.1 of pod uid-a in two slices");
}

TEST_F(Services, AddressesOfServicesAreUnique) {
  h.put(ServiceBuilder("a").cluster_ip("10.96.0.1").node_port(30000));
  h.put(ServiceBuilder("b").cluster_ip("10.96.0.2").node_port(30001));
  EXPECT_EQ(h.broken(), "");
  h.put(ServiceBuilder("c").cluster_ip("10.96.0.1"));
  EXPECT_EQ(h.broken(), "EP-5");
  h.put(ServiceBuilder("d").node_port(30001));
  EXPECT_EQ(h.broken(), "EP-5");
  h.remove(ServiceBuilder("b").cluster_ip("10.96.0.2").node_port(30001));
  h.put(ServiceBuilder("e").cluster_ip("10.96.0.2"));
  EXPECT_EQ(h.broken(), "");
}

}  // namespace
}  // namespace keelson::sim::test
