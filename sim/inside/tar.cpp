#include "sim/inside/tar.hpp"

#include <algorithm>
#include <array>

namespace keelson::sim {

namespace {

constexpr std::size_t kBlock = 512;

void put_octal(char* field, std::size_t width, uint64_t value) {
  field[width - 1] = '\0';
  for (std::size_t i = width - 1; i-- > 0; value /= 8) field[i] = static_cast<char>('0' + value % 8);
}

bool read_octal(std::string_view field, uint64_t& value) {
  value = 0;
  bool any = false;
  for (const char c : field) {
    if (c == ' ' && !any) continue;
    if (c == '\0' || c == ' ') break;
    if (c < '0' || c > '7' || value >> 40 != 0) return false;
    value = value * 8 + static_cast<uint64_t>(c - '0');
    any = true;
  }
  return true;
}

std::string_view text_of(std::string_view field) { return field.substr(0, field.find('\0')); }

void set(std::array<char, kBlock>& header, std::size_t at, std::string_view text, std::size_t max) {
  std::copy_n(text.begin(), std::min(text.size(), max), header.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

void add_to_tar(std::string& archive, std::string_view name, std::string_view content, WallTime at,
                bool directory) {
  std::array<char, kBlock> header{};
  // A long name is parted at a slash: up to 155 bytes before it, up to 100 after it.
  if (name.size() > 100) {
    const std::size_t slash = name.find('/', name.size() - 101);
    if (slash != std::string_view::npos && slash <= 155) {
      set(header, 345, name.substr(0, slash), 155);
      name.remove_prefix(slash + 1);
    }
  }
  set(header, 0, name, 100);
  put_octal(&header[100], 8, directory ? 0755 : 0644);
  put_octal(&header[108], 8, 0);
  put_octal(&header[116], 8, 0);
  put_octal(&header[124], 12, content.size());
  put_octal(&header[136], 12, static_cast<uint64_t>(at.unix_ns / 1'000'000'000));
  set(header, 148, "        ", 8);
  header[156] = directory ? '5' : '0';
  set(header, 257, std::string_view("ustar\00000", 8), 8);
  set(header, 265, "root", 32);
  set(header, 297, "root", 32);
  uint64_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put_octal(&header[148], 7, sum);
  archive.append(header.data(), kBlock);
  archive.append(content);
  archive.append((kBlock - content.size() % kBlock) % kBlock, '\0');
}

void end_tar(std::string& archive) { archive.append(2 * kBlock, '\0'); }

bool read_tar(std::string_view archive,
              const std::function<void(std::string, bool, std::string_view)>& each) {
  std::string long_name;
  while (archive.size() >= kBlock) {
    const std::string_view header = archive.substr(0, kBlock);
    archive.remove_prefix(kBlock);
    if (header[0] == '\0') return true;
    uint64_t size = 0;
    if (header.substr(257, 5) != "ustar" || !read_octal(header.substr(124, 12), size)) return false;
    if (size > archive.size()) return false;
    const std::string_view content = archive.substr(0, size);
    const uint64_t padded = (size + kBlock - 1) / kBlock * kBlock;
    archive.remove_prefix(std::min<std::size_t>(padded, archive.size()));
    std::string name = std::exchange(long_name, {});
    if (name.empty()) {
      const std::string_view prefix = text_of(header.substr(345, 155));
      name = std::string(prefix) + (prefix.empty() ? "" : "/") + std::string(text_of(header.substr(0, 100)));
    }
    switch (header[156]) {
      case '0':
      case '\0':
        each(std::move(name), false, content);
        break;
      case '5':
        each(std::move(name), true, {});
        break;
      case 'L':  // GNU: the name of what follows
        long_name = text_of(content);
        break;
      case 'x': {  // POSIX: records "length key=value\n"; of interest is the path
        const std::size_t at = content.find(" path=");
        if (at != std::string_view::npos) {
          long_name = content.substr(at + 6, content.find('\n', at) - at - 6);
        }
        break;
      }
      default:
        break;  // links, devices: not kept here
    }
  }
  return archive.empty();
}

}  // namespace keelson::sim
