// Any bytes as a DNS message. A question that was understood gets a reply that says the same name and
// fits; what is read from an answer can be written and read again.
#include <cstddef>
#include <cstdint>

#include "core/base/assert.hpp"
#include "runtime/network/dns_message.hpp"

using namespace keelson::network;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(response_code(bytes));
  static_cast<void>(is_truncated(bytes));
  const auto parsed = parse_question(bytes);
  if (!parsed) return 0;
  DnsReply reply;
  reply.soa_zone = "cluster.local.";
  for (const auto& record : parse_answer(bytes)) {
    if (reply.records.size() < 50) reply.records.push_back(record);
  }
  const std::string small = write_reply(parsed->question, bytes, reply, 512);
  KEELSON_ASSERT(response_code(small) == 0);
  const auto again = parse_question(small);
  KEELSON_ASSERT(again && again->question.is_answer);
  KEELSON_ASSERT(again->question.id == parsed->question.id);
  if (!parsed->valid) return 0;
  KEELSON_ASSERT(again->valid && again->question.name == parsed->question.name);
  const std::string all = write_reply(parsed->question, bytes, reply, 65535);
  if (!is_truncated(all)) KEELSON_ASSERT(parse_answer(all) == reply.records);
  return 0;
}
