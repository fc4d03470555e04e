// Services, Endpoints and EndpointSlices.
#include "core/api/validate/validators.hpp"
#include "tests/api/validation_support.hpp"

namespace keelson::api {
namespace {

using Lines = std::vector<std::string>;

TEST(Addresses, V4AndV6) {
  for (const char* v4 : {"0.0.0.0", "10.9.8.7", "255.255.255.255"}) {
    EXPECT_EQ(ip_family(v4), IpFamily::v4) << v4;
  }
  for (const char* v6 : {"::", "::1", "1::", "2001:db8::ffff", "1:2:3:4:5:6:7:8",
                         "1:2:3:4:5:6:7::", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4"}) {
    EXPECT_EQ(ip_family(v6), IpFamily::v6) << v6;
  }
  for (const char* bad : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "a", ":",
                          ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
                          "12345::", "1:2:3:4:5:6:7:8::", "::1.2.3", "1:", ":1", "g::"}) {
    EXPECT_EQ(ip_family(bad), IpFamily::none) << bad;
  }
}

TEST(Addresses, Ranges) {
  EXPECT_EQ(cidr_family("10.0.0.0/8"), IpFamily::v4);
  EXPECT_EQ(cidr_family("10.0.0.0/32"), IpFamily::v4);
  EXPECT_EQ(cidr_family("2001:db8::/64"), IpFamily::v6);
  for (const char* bad :
       {"10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/08", "::/129", "/8"}) {
    EXPECT_EQ(cidr_family(bad), IpFamily::none) << bad;
  }
}

// The answer of a real server to the same object.
TEST(ServiceValidation, NameAndPort) {
  ApiError error = created(
      made<Service>(R"(metadata { name: "1x" namespace: "default" } spec { ports { port: 0 } })"));
  EXPECT_EQ(error.message,
            "Service \"1x\" is invalid: [metadata.name: Invalid value: \"1x\": a DNS-1035 label "
            "must consist of lower case alphanumeric characters or '-', start with an alphabetic "
            "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
            "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?'), spec.ports[0].port: "
            "Invalid value: 0: must be between 1 and 65535, inclusive, spec.ports[0].targetPort: "
            "Invalid value: 0: must be between 1 and 65535, inclusive]");
}

TEST(ServiceValidation, ValidOnes) {
  EXPECT_TRUE(created(valid_service()).ok()) << created(valid_service()).message;
  for (const char* spec :
       {R"(cluster_ip: "None")", R"(type: "NodePort" ports { port: 80 node_port: 30000 })",
        R"(type: "LoadBalancer" ports { port: 80 } load_balancer_source_ranges: "10.0.0.0/8")",
        R"(type: "ExternalName" external_name: "example.com.")",
        R"(session_affinity: "ClientIP" ports { port: 1 })",
        R"(ports { name: "a" port: 53 } ports { name: "b" port: 53 protocol: "UDP" })"}) {
    ApiError error = created(made<Service>(
        std::string(R"(metadata { name: "s" namespace: "default" } spec { )") + spec + " }"));
    EXPECT_TRUE(error.ok()) << error.message;
  }
}

TEST(ServiceValidation, Ports) {
  auto errors = [](const std::string& spec) {
    return causes(created(
        made<Service>(R"(metadata { name: "s" namespace: "default" } spec { )" + spec + " }")));
  };
  EXPECT_EQ(errors(""), Lines{"spec.ports: Required value"});
  EXPECT_EQ(errors("ports { port: 1 } ports { name: 'a' port: 2 }"),
            Lines{"spec.ports[0].name: Required value"});
  EXPECT_EQ(errors("ports { name: 'a' port: 1 } ports { name: 'a' port: 2 }"),
            Lines{"spec.ports[1].name: Duplicate value: \"a\""});
  EXPECT_EQ(errors("ports { name: 'a' port: 1 } ports { name: 'b' port: 1 }"),
            Lines{"spec.ports[1]: Duplicate value: core.ServicePort{Name:\"\", Protocol:\"TCP\", "
                  "AppProtocol:(*string)(nil), Port:1, TargetPort:intstr.IntOrString{Type:0, "
                  "IntVal:0, StrVal:\"\"}, NodePort:0}"});
  EXPECT_EQ(errors("ports { port: 1 node_port: 30000 }"),
            Lines{"spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"});
  EXPECT_EQ(errors(R"(type: "NodePort" ports { name: "a" port: 1 node_port: 30000 }
                      ports { name: "b" port: 2 node_port: 30000 })"),
            Lines{"spec.ports[1].nodePort: Duplicate value: 30000"});
}

TEST(ServiceValidation, Fields) {
  auto errors = [](const std::string& spec) {
    return causes(created(
        made<Service>(R"(metadata { name: "s" namespace: "default" } spec { ports { port: 80 } )" +
                      spec + " }")));
  };
  EXPECT_EQ(errors("session_affinity: 'Sticky'"),
            Lines{"spec.sessionAffinity: Unsupported value: \"Sticky\": supported values: "
                  "\"ClientIP\", \"None\""});
  EXPECT_EQ(errors("type: 'Internal' internal_traffic_policy: 'Cluster'"),
            Lines{"spec.type: Unsupported value: \"Internal\": supported values: \"ClusterIP\", "
                  "\"ExternalName\", \"LoadBalancer\", \"NodePort\""});
  EXPECT_EQ(errors("cluster_ip: 'x'"),
            Lines{"spec.clusterIPs[0]: Invalid value: \"x\": must be a valid IP address, (e.g. "
                  "10.9.8.7 or 2001:db8::ffff)"});
  EXPECT_EQ(errors("external_ips: '127.0.0.1'"),
            Lines{"spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback "
                  "range (127.0.0.0/8, ::1/128)"});
  EXPECT_EQ(errors("type: 'NodePort' cluster_ip: 'None'"),
            Lines{"spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for "
                  "NodePort services"});
  EXPECT_EQ(errors("external_traffic_policy: 'Local'"),
            Lines{"spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for "
                  "externally-accessible services"});
  EXPECT_EQ(errors("type: 'ExternalName'"), Lines{"spec.externalName: Required value"});
}

TEST(ServiceValidation, TheAddressStays) {
  Service before = valid_service();
  before.mutable_spec()->set_cluster_ip("10.0.0.1");
  before.mutable_spec()->add_cluster_ips("10.0.0.1");
  EXPECT_TRUE(updated(before, before).ok());
  Service now = before;
  now.mutable_spec()->set_cluster_ip("10.0.0.2");
  now.mutable_spec()->set_cluster_ips(0, "10.0.0.2");
  EXPECT_EQ(causes(updated(now, before)),
            Lines{"spec.clusterIPs[0]: Invalid value: []string{\"10.0.0.2\"}: may not change once "
                  "set"});
  now.mutable_spec()->clear_cluster_ip();
  now.mutable_spec()->clear_cluster_ips();
  EXPECT_EQ(causes(updated(now, before)),
            Lines{"spec.clusterIPs[0]: Invalid value: []string{}: primary clusterIP can not be "
                  "unset"});
  now.mutable_spec()->set_type("ExternalName");
  now.mutable_spec()->set_external_name("a.b");
  EXPECT_TRUE(updated(now, before).ok()) << updated(now, before).message;
}

TEST(EndpointsValidation, Subsets) {
  auto errors = [](const std::string& text) {
    return causes(
        created(made<Endpoints>(R"(metadata { name: "s" namespace: "default" } )" + text)));
  };
  EXPECT_EQ(errors("subsets { addresses { ip: '10.0.0.1' } ports { port: 80 } }"), Lines{});
  EXPECT_EQ(errors("subsets { ports { port: 80 } }"),
            Lines{"subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"});
  EXPECT_EQ(
      errors("subsets { addresses { ip: '1.2' } ports { port: 1 } ports { port: 0 } }"),
      (Lines{"subsets[0].addresses[0].ip: Invalid value: \"1.2\": must be a valid IP "
             "address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
             "subsets[0].ports[0].name: Required value", "subsets[0].ports[1].name: Required value",
             "subsets[0].ports[1].port: Invalid value: 0: must be between 1 and 65535, "
             "inclusive"}));
}

TEST(EndpointSliceValidation, TypesAndLimits) {
  auto slice = [](const std::string& text) {
    return made<EndpointSlice>(R"(metadata { name: "s" namespace: "default" } )" + text);
  };
  auto good = slice("address_type: 'IPv4' endpoints { addresses: '10.0.0.1' } ports { port: 80 }");
  EXPECT_TRUE(created(good).ok()) << created(good).message;
  EXPECT_EQ(causes(created(slice(""))), Lines{"addressType: Required value"});
  EXPECT_EQ(causes(created(slice("address_type: 'IP'"))),
            Lines{"addressType: Unsupported value: \"IP\": supported values: \"FQDN\", \"IPv4\", "
                  "\"IPv6\""});
  EXPECT_EQ(causes(created(slice("address_type: 'IPv4' endpoints { } "
                                 "endpoints { addresses: '::1' }"))),
            (Lines{"endpoints[0].addresses: Required value: must contain at least 1 address",
                   "endpoints[1].addresses[0]: Invalid value: \"::1\": must be a valid IPv4 "
                   "address"}));
  auto many = slice("address_type: 'IPv4'");
  for (int i = 0; i < 1001; ++i) many.add_endpoints()->add_addresses("10.0.0.1");
  EXPECT_EQ(causes(created(many)),
            Lines{"endpoints: Too many: 1001: must have at most 1000 items"});
  auto now = good;
  now.set_address_type("IPv6");
  now.mutable_endpoints(0)->set_addresses(0, "2001:db8::1");
  EXPECT_EQ(causes(updated(now, good)),
            Lines{"addressType: Invalid value: \"IPv6\": field is immutable"});
}

}  // namespace
}  // namespace keelson::api
