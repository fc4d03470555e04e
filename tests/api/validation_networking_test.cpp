// Network policies, and the ranges of addresses that they name.
#include "core/api/ip_range.hpp"
#include "tests/api/validation_support.hpp"

namespace keelson::api {
namespace {

using Lines = std::vector<std::string>;

Lines errors(const std::string& spec) {
  return causes(created(
      made<NetworkPolicy>(R"(metadata { name: "p" namespace: "default" } spec { )" + spec + " }")));
}

TEST(NetworkPolicyValidation, PeersAreOneThing) {
  EXPECT_EQ(errors("ingress { from { pod_selector {} namespace_selector {} } }"), Lines{});
  EXPECT_EQ(errors("ingress {} egress { to {} }"),
            Lines{"spec.egress[0].to[0]: Required value: must specify a peer"});
  EXPECT_EQ(errors(R"(ingress { from { pod_selector {} ip_block { cidr: "10.0.0.0/8" } } })"),
            Lines{"spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another "
                  "peer"});
}

TEST(NetworkPolicyValidation, HolesLieWithinTheirRange) {
  const auto block = [](const std::string& text) {
    return errors("egress { to { ip_block { " + text + " } } }");
  };
  EXPECT_EQ(block(R"(cidr: "10.0.0.0/8" except: "10.1.0.0/16")"), Lines{});
  EXPECT_EQ(block(R"(cidr: "fd00::/8" except: "fd00:1::/32")"), Lines{});
  EXPECT_EQ(block(""), Lines{"spec.egress[0].to[0].ipBlock.cidr: Required value"});
  EXPECT_EQ(block(R"(cidr: "10.0.0.0")").size(), 1u);
  for (const char* hole : {"10.0.0.0/8", "11.0.0.0/16", "10.0.0.0/7", "fd00::/16"}) {
    EXPECT_EQ(block("cidr: \"10.0.0.0/8\" except: \"" + std::string(hole) + "\""),
              Lines{"spec.egress[0].to[0].ipBlock.except[0]: Invalid value: \"" +
                    std::string(hole) + "\": must be a strict subset of `cidr`"});
  }
}

TEST(NetworkPolicyValidation, Ports) {
  const auto port = [](const std::string& text) {
    return errors("ingress { ports { " + text + " } }");
  };
  EXPECT_EQ(port("port { int_val: 80 } end_port: 90"), Lines{});
  EXPECT_EQ(port(R"(port { type: 1 str_val: "http" })"), Lines{});
  EXPECT_EQ(port("end_port: 90"), Lines{"spec.ingress[0].ports[0].endPort: Invalid value: 90: may "
                                        "not be specified when `port` is not specified"});
  EXPECT_EQ(port(R"(port { type: 1 str_val: "http" } end_port: 90)"),
            Lines{"spec.ingress[0].ports[0].endPort: Invalid value: 90: may not be specified when "
                  "`port` is non-numeric"});
  EXPECT_EQ(port("port { int_val: 80 } end_port: 79"),
            Lines{"spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or "
                  "equal to `port`"});
  EXPECT_EQ(port(R"(protocol: "ICMP")"),
            Lines{"spec.ingress[0].ports[0].protocol: Unsupported value: \"ICMP\": supported "
                  "values: \"SCTP\", \"TCP\", \"UDP\""});
  EXPECT_EQ(port("port { int_val: 70000 }").size(), 1u);
}

TEST(NetworkPolicyValidation, Types) {
  EXPECT_EQ(errors(R"(policy_types: "Egress" policy_types: "Ingress")"), Lines{});
  EXPECT_EQ(errors(R"(policy_types: "Up")").size(), 1u);
  EXPECT_EQ(errors(R"(policy_types: "Up" policy_types: "Up" policy_types: "Up")"),
            Lines{"spec.policyTypes: Invalid value: []string{\"Up\", \"Up\", \"Up\"}: may not "
                  "specify more than two policyTypes"});
}

TEST(IpRanges, AreReadAndWritten) {
  const auto again = [](const char* text) {
    const auto range = IpRange::parse(text);
    return range ? range->to_string() : "";
  };
  EXPECT_EQ(again("10.1.2.3/8"), "10.0.0.0/8");
  EXPECT_EQ(again("10.1.2.3"), "10.1.2.3/32");
  EXPECT_EQ(again("0.0.0.0/0"), "0.0.0.0/0");
  EXPECT_EQ(again("FD00:0:0:1::5/64"), "fd00:0:0:1::/64");
  EXPECT_EQ(again("::/0"), "::/0");
  EXPECT_EQ(again("1::"), "1::/128");
  EXPECT_EQ(again("1:0:2:0:0:3:0:0"), "1:0:2::3:0:0/128");
  for (const char* wrong : {"", "/", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/129", "::/064",
                            "1.2.3.4/-1", "x/8"}) {
    EXPECT_EQ(again(wrong), "") << wrong;
  }
  EXPECT_TRUE(IpRange::parse("::/0")->contains(*IpRange::parse("fd00::1")));
  EXPECT_TRUE(IpRange::parse("10.0.0.0/9")->contains(*IpRange::parse("10.127.0.0/16")));
  EXPECT_FALSE(IpRange::parse("10.0.0.0/9")->contains(*IpRange::parse("10.128.0.0/16")));
  EXPECT_FALSE(IpRange::parse("0.0.0.0/0")->contains(*IpRange::parse("::1")));
}

}  // namespace
}  // namespace keelson::api
