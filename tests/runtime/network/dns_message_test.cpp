// DNS messages as bytes.
#include "runtime/network/dns_message.hpp"

#include <gtest/gtest.h>

namespace keelson::network {
namespace {

using proxy::DnsRecord;

DnsRecord record(const std::string& name, DnsRecord::Type type, const std::string& value) {
  DnsRecord result;
  result.name = name;
  result.type = type;
  result.value = value;
  return result;
}

TEST(DnsMessage, QuestionsAreRead) {
  const std::string bytes = write_question(0x1234, "web.default.svc.cluster.local", dns_type::aaaa);
  const auto parsed = parse_question(bytes);
  ASSERT_TRUE(parsed && parsed->valid);
  EXPECT_EQ(parsed->question.id, 0x1234);
  EXPECT_EQ(parsed->question.name, "web.default.svc.cluster.local");
  EXPECT_EQ(parsed->question.type, dns_type::aaaa);
  EXPECT_EQ(parsed->question.class_, 1);
  EXPECT_TRUE(parsed->question.recursion_desired);
  EXPECT_FALSE(parsed->question.edns);
  EXPECT_EQ(parsed->question.question_end, bytes.size());

  std::string edns = bytes;
  edns[11] = 1;
  edns += std::string("\0\0\x29\x10\0\0\0\0\0\0\0", 11);
  EXPECT_TRUE(parse_question(edns)->question.edns);
  EXPECT_EQ(parse_question(edns)->question.udp_size, 4096);
}

TEST(DnsMessage, HostileQuestionsAreRefused) {
  EXPECT_FALSE(parse_question(""));
  EXPECT_FALSE(parse_question("short"));
  const std::string good = write_question(1, "a.b", dns_type::a);
  for (std::size_t size = 12; size < good.size(); ++size) {
    EXPECT_FALSE(parse_question(good.substr(0, size))->valid) << size;
  }
  const std::string head("\0\1\1\0\0\1\0\0\0\0\0\0", 12);
  for (const std::string& name :
       {std::string("\xc0\x0c", 2),                     // points at itself
        std::string("\xc0\xff", 2),                     // forwards
        std::string("\x41", 1) + std::string(65, 'a'),  // a label of 65 bytes
        std::string("\1.\0", 3), std::string("\1\0\0", 3)}) {
    EXPECT_FALSE(parse_question(head + name + std::string("\0\0\1\0\1", 5))->valid);
  }
  std::string longest = head;
  for (int i = 0; i < 5; ++i) longest += std::string("\x3f") + std::string(63, 'a');
  EXPECT_FALSE(parse_question(longest + std::string("\0\0\1\0\1", 5))->valid);
  // No question at all, or two.
  for (const char count : {'\0', '\2'}) {
    std::string none = good;
    none[5] = count;
    EXPECT_FALSE(parse_question(none)->valid);
  }
}

TEST(DnsMessage, RepliesAreCompressedAndReadAgain) {
  const std::string asked = write_question(7, "WEB.x.local", dns_type::a);
  const auto question = parse_question(asked)->question;
  DnsReply reply;
  reply.records = {record("web.x.local.", DnsRecord::Type::cname, "db.x.local."),
                   record("db.x.local.", DnsRecord::Type::a, "10.0.0.7"),
                   record("db.x.local.", DnsRecord::Type::aaaa, "fd00::7")};
  const std::string bytes = write_reply(question, asked, reply, 512);
  EXPECT_EQ(response_code(bytes), 0);
  EXPECT_EQ(bytes.substr(12, 12), asked.substr(12, 12));  // the case of the letters is kept
  EXPECT_EQ(parse_answer(bytes), reply.records);
  EXPECT_LT(bytes.size(), 110u);  // 170 without
}

TEST(DnsMessage, WhatDoesNotFitIsLeftOut) {
  const std::string asked = write_question(7, "web.x.local", dns_type::a);
  const auto question = parse_question(asked)->question;
  DnsReply reply;
  for (int i = 0; i < 100; ++i) {
    reply.records.push_back(record("web.x.local.", DnsRecord::Type::a, "10.0.0." + std::to_string(i)));
  }
  const std::string bytes = write_reply(question, asked, reply, 512);
  EXPECT_LE(bytes.size(), 512u);
  EXPECT_TRUE(is_truncated(bytes));
  EXPECT_EQ(parse_answer(bytes).size(), 30u);
  const std::string all = write_reply(question, asked, reply, 65535);
  EXPECT_FALSE(is_truncated(all));
  EXPECT_EQ(parse_answer(all), reply.records);
}

}  // namespace
}  // namespace keelson::network
