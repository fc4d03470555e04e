#include "runtime/network/dns_message.hpp"

#include <algorithm>
#include <map>

#include "core/api/ip_range.hpp"

namespace keelson::network {
namespace {

constexpr std::size_t kHeaderSize = 12;
constexpr std::size_t kNameMax = 253, kLabelMax = 63;
// What is offered to askers by EDNS: fits every path without fragments (DNS flag day 2020).
constexpr uint16_t kUdpSize = 1232;

class Reader {
 public:
  Reader(std::string_view bytes, std::size_t at) : bytes_(bytes), at_(at) {}
  std::size_t at() const { return at_; }
  bool ok() const { return ok_; }
  uint16_t u16() {
    if (!need(2)) return 0;
    const auto high = static_cast<uint8_t>(bytes_[at_]), low = static_cast<uint8_t>(bytes_[at_ + 1]);
    at_ += 2;
    return static_cast<uint16_t>(high << 8 | low);
  }
  void skip(std::size_t size) {
    if (need(size)) at_ += size;
  }
  // False: malformed, or more than one would write as text. Pointers lead only backwards, so they end.
  bool name(std::string* out) {
    std::size_t from = at_, limit = at_;
    bool jumped = false;
    for (;;) {
      if (from >= bytes_.size()) return fail();
      const auto length = static_cast<uint8_t>(bytes_[from]);
      if ((length & 0xc0) == 0xc0) {
        if (from + 1 >= bytes_.size()) return fail();
        const std::size_t target =
            static_cast<std::size_t>(length & 0x3f) << 8 | static_cast<uint8_t>(bytes_[from + 1]);
        // Nothing in the header is a name.
        if (target >= limit || target < kHeaderSize) return fail();
        if (!jumped) at_ = from + 2;
        jumped = true;
        from = limit = target;
        continue;
      }
      if (length > kLabelMax || from + 1 + length > bytes_.size()) return fail();
      if (!jumped) at_ = from + 1 + length;
      if (length == 0) return true;
      if (!out->empty()) *out += '.';
      for (const char c : bytes_.substr(from + 1, length)) {
        if (c == '.' || c == '\\' || c <= ' ' || c > '~') return fail();
        *out += c;
      }
      if (out->size() > kNameMax) return fail();
      from += 1 + length;
    }
  }

 private:
  bool need(std::size_t size) {
    if (at_ + size > bytes_.size()) ok_ = false;
    return ok_;
  }
  bool fail() {
    ok_ = false;
    return false;
  }
  std::string_view bytes_;
  std::size_t at_;
  bool ok_ = true;
};

class Writer {
 public:
  std::string bytes;
  void u8(unsigned value) { bytes += static_cast<char>(value); }
  void u16(unsigned value) {
    u8(value >> 8 & 0xff);
    u8(value & 0xff);
  }
  void u32(uint32_t value) {
    u16(value >> 16);
    u16(value & 0xffff);
  }
  // Suffixes that have been written before are pointed to.
  void name(std::string_view text) {
    if (text.ends_with('.')) text.remove_suffix(1);
    while (!text.empty()) {
      const auto known = places_.find(std::string(text));
      if (known != places_.end()) return u16(0xc000u | known->second);
      if (bytes.size() < 0x4000) places_.emplace(text, static_cast<unsigned>(bytes.size()));
      const std::size_t dot = text.find('.');
      const std::string_view label = text.substr(0, dot).substr(0, kLabelMax);
      u8(static_cast<unsigned>(label.size()));
      bytes += label;
      text = dot == text.npos ? std::string_view() : text.substr(dot + 1);
    }
    u8(0);
  }
  // The name of the question stands there already.
  void remember(std::string_view text, std::size_t at) {
    if (!text.empty()) places_.emplace(text, static_cast<unsigned>(at));
  }
  void patch_u16(std::size_t at, std::size_t value) {
    bytes[at] = static_cast<char>(value >> 8 & 0xff);
    bytes[at + 1] = static_cast<char>(value & 0xff);
  }

 private:
  std::map<std::string, unsigned> places_;
};

uint16_t type_of(proxy::DnsRecord::Type type) {
  switch (type) {
    case proxy::DnsRecord::Type::a: return dns_type::a;
    case proxy::DnsRecord::Type::aaaa: return dns_type::aaaa;
    case proxy::DnsRecord::Type::srv: return dns_type::srv;
    case proxy::DnsRecord::Type::cname: return dns_type::cname;
    case proxy::DnsRecord::Type::ptr: return dns_type::ptr;
  }
  return 0;
}

void write_record(Writer& out, const proxy::DnsRecord& record) {
  out.name(record.name);
  out.u16(type_of(record.type));
  out.u16(1);
  out.u32(record.ttl);
  const std::size_t length_at = out.bytes.size();
  out.u16(0);
  switch (record.type) {
    case proxy::DnsRecord::Type::a:
    case proxy::DnsRecord::Type::aaaa: {
      api::IpBytes address{};
      const bool four = api::parse_ip(record.value, address) == 4;
      out.bytes.append(reinterpret_cast<const char*>(address.data()) + (four ? 12 : 0), four ? 4 : 16);
      break;
    }
    case proxy::DnsRecord::Type::srv:
      out.u16(record.priority);
      out.u16(record.weight);
      out.u16(record.port);
      out.name(record.value);
      break;
    case proxy::DnsRecord::Type::cname:
    case proxy::DnsRecord::Type::ptr: out.name(record.value); break;
  }
  out.patch_u16(length_at, out.bytes.size() - length_at - 2);
}

void write_soa(Writer& out, const DnsReply& reply) {
  out.name(reply.soa_zone);
  out.u16(dns_type::soa);
  out.u16(1);
  out.u32(reply.negative_ttl);
  const std::size_t length_at = out.bytes.size();
  out.u16(0);
  out.name("ns.dns." + reply.soa_zone);
  out.name("hostmaster." + reply.soa_zone);
  out.u32(1);                   // serial: nobody transfers this zone
  out.u32(7200);                // refresh, seconds
  out.u32(1800);                // retry
  out.u32(86400);               // expire
  out.u32(reply.negative_ttl);  // RFC 2308: what counts
  out.patch_u16(length_at, out.bytes.size() - length_at - 2);
}

void write_opt(Writer& out) {
  out.u8(0);
  out.u16(dns_type::opt);
  out.u16(kUdpSize);
  out.u32(0);
  out.u16(0);
}

}  // namespace

std::optional<ParsedQuestion> parse_question(std::string_view message) {
  if (message.size() < kHeaderSize) return {};
  Reader header(message, 0);
  ParsedQuestion result;
  DnsQuestion& question = result.question;
  question.id = header.u16();
  const uint16_t flags = header.u16();
  question.is_answer = flags & 0x8000;
  question.opcode = static_cast<uint8_t>(flags >> 11 & 0xf);
  question.recursion_desired = flags & 0x0100;
  const uint16_t questions = header.u16(), answers = header.u16(), authorities = header.u16(),
                 additional = header.u16();
  question.question_end = kHeaderSize;
  if (questions != 1) return result;
  Reader reader(message, kHeaderSize);
  if (!reader.name(&question.name)) {
    question.name.clear();
    return result;
  }
  question.type = reader.u16();
  question.class_ = reader.u16();
  if (!reader.ok()) return result;
  question.question_end = reader.at();
  result.valid = true;
  // The records that follow: only OPT says something to us.
  const int records = answers + authorities + additional;
  for (int i = 0; i < records && reader.ok(); ++i) {
    std::string name;
    if (!reader.name(&name)) break;
    const uint16_t type = reader.u16(), class_or_size = reader.u16();
    reader.skip(4);
    reader.skip(reader.u16());
    if (reader.ok() && type == dns_type::opt) {
      question.edns = true;
      question.udp_size = std::max<uint16_t>(512, class_or_size);
    }
  }
  return result;
}

std::string write_reply(const DnsQuestion& question, std::string_view asked, const DnsReply& reply,
                        std::size_t size_max) {
  Writer out;
  out.u16(question.id);
  const unsigned flags = 0x8000u | static_cast<unsigned>(question.opcode) << 11 |
                         (reply.authoritative ? 0x0400u : 0) |
                         (question.recursion_desired ? 0x0100u : 0) | 0x0080u |
                         static_cast<unsigned>(reply.code);
  out.u16(flags);
  const bool has_question = question.question_end > kHeaderSize;
  out.u16(has_question ? 1 : 0);
  out.u16(0);
  out.u16(0);
  out.u16(question.edns ? 1 : 0);
  if (has_question) {
    // As it was written: some askers check the case of each letter.
    out.bytes += asked.substr(kHeaderSize, question.question_end - kHeaderSize);
    out.remember(question.name, kHeaderSize);
  }
  const std::size_t reserved = question.edns ? 11 : 0;
  std::size_t count = 0;
  for (const proxy::DnsRecord& record : reply.records) {
    const std::size_t before = out.bytes.size();
    write_record(out, record);
    if (out.bytes.size() + reserved > size_max) {
      out.bytes.resize(before);
      out.patch_u16(2, flags | 0x0200u);
      break;
    }
    ++count;
  }
  out.patch_u16(6, count);
  if (reply.records.empty() && !reply.soa_zone.empty()) {
    write_soa(out, reply);
    out.patch_u16(8, 1);
  }
  if (question.edns) write_opt(out);
  return std::move(out.bytes);
}

std::string write_question(uint16_t id, std::string_view name, uint16_t type) {
  Writer out;
  out.u16(id);
  out.u16(0x0100);  // recursion is wanted
  out.u16(1);
  for (int i = 0; i < 3; ++i) out.u16(0);
  out.name(name);
  out.u16(type);
  out.u16(1);
  return std::move(out.bytes);
}

std::vector<proxy::DnsRecord> parse_answer(std::string_view message) {
  std::vector<proxy::DnsRecord> records;
  const auto question = parse_question(message);
  if (!question || !question->valid) return records;
  Reader counts(message, 6);
  const int count = counts.u16();
  Reader reader(message, question->question.question_end);
  for (int i = 0; i < count; ++i) {
    proxy::DnsRecord record;
    if (!reader.name(&record.name)) break;
    record.name += '.';
    const uint16_t type = reader.u16();
    reader.skip(2);
    record.ttl = static_cast<uint32_t>(reader.u16()) << 16;
    record.ttl |= reader.u16();
    const uint16_t size = reader.u16();
    const std::size_t data = reader.at();
    reader.skip(size);
    if (!reader.ok()) break;
    api::IpBytes address{};
    if ((type == dns_type::a && size == 4) || (type == dns_type::aaaa && size == 16)) {
      message.substr(data, size).copy(reinterpret_cast<char*>(address.data()) + (16 - size), size);
      record.type = size == 4 ? proxy::DnsRecord::Type::a : proxy::DnsRecord::Type::aaaa;
      record.value = api::ip_text(address, size == 16);
    } else if (type == dns_type::cname) {
      Reader target(message, data);
      if (!target.name(&record.value)) break;
      record.value += '.';
      record.type = proxy::DnsRecord::Type::cname;
    } else {
      continue;
    }
    records.push_back(std::move(record));
  }
  return records;
}

int response_code(std::string_view message) {
  if (message.size() < kHeaderSize || !(message[2] & 0x80)) return -1;
  return message[3] & 0xf;
}

bool is_truncated(std::string_view message) {
  return message.size() >= kHeaderSize && (message[2] & 0x02) != 0;
}

}  // namespace keelson::network
