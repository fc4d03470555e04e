// DNS messages as bytes, as much as a server of a cluster's names needs. Sources: RFC 1035 section 4,
// RFC 2782 (SRV), RFC 6891 (OPT).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/proxy/dns.hpp"

namespace keelson::network {

enum class DnsCode : uint8_t { ok = 0, malformed = 1, failed = 2, no_name = 3, unimplemented = 4, refused = 5 };

namespace dns_type {
inline constexpr uint16_t a = 1, ns = 2, cname = 5, soa = 6, ptr = 12, aaaa = 28, srv = 33, opt = 41, any = 255;
}

struct DnsQuestion {
  uint16_t id = 0;
  uint8_t opcode = 0;
  bool is_answer = false;
  bool recursion_desired = false;
  std::string name;  // without the final dot, as it was written; the root is empty
  uint16_t type = 0, class_ = 0;
  bool edns = false;
  uint16_t udp_size = 512;  // what the asker takes over UDP
  std::size_t question_end = 0;  // where the question ends within the message
};

// Nothing: not even an error can be answered. Names that need escaping (a dot or a byte that is not
// printable within a label) count as malformed: no name of a cluster has them; `name` is empty then
// and `valid` false.
struct ParsedQuestion {
  DnsQuestion question;
  bool valid = false;  // exactly one question, well-formed
};
std::optional<ParsedQuestion> parse_question(std::string_view message);

struct DnsReply {
  DnsCode code = DnsCode::ok;
  bool authoritative = true;
  std::vector<proxy::DnsRecord> records;
  // With no records: the zone whose SOA tells askers for how long they may remember that.
  std::string soa_zone;
  uint32_t negative_ttl = 5;  // seconds
};

// The answer to `question`, which came as the message `asked`. More than `size_max` bytes: records are
// left out and the answer says so (TC), and the asker comes again by TCP.
std::string write_reply(const DnsQuestion& question, std::string_view asked, const DnsReply& reply,
                        std::size_t size_max);

// The question for an upstream, without EDNS.
std::string write_question(uint16_t id, std::string_view name, uint16_t type);
// The addresses and aliases in an answer's answer section; what else is there is passed over.
std::vector<proxy::DnsRecord> parse_answer(std::string_view message);

// The response code of an answer, 0 to 15; -1: too short for one, or a question.
int response_code(std::string_view message);
bool is_truncated(std::string_view message);

}  // namespace keelson::network
