#include "sim/lab/readers/rows.hpp"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>

namespace keelson::lab {

namespace {

constexpr std::size_t kLineMax = 64 * 1024;  // no published table comes near
constexpr std::size_t kCommentsMax = 10'000;
constexpr std::size_t kBuffer = 256 * 1024;
constexpr std::size_t kAbsent = SIZE_MAX;
constexpr __int128 kPowers[] = {1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000,
                                100'000'000, 1'000'000'000};

bool blank(char c) { return c == ' ' || c == '\t'; }

std::string shown(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 40)) out += c >= ' ' && c < 127 ? c : '?';
  return out + (text.size() > 40 ? "...\"" : "\"");
}

// A number with so many digits after the point, for complaints.
std::string shown(int64_t value, int digits) {
  std::string text = std::to_string(value / static_cast<int64_t>(kPowers[digits]));
  return text;
}

}  // namespace

std::optional<int64_t> parse_decimal(std::string_view text, int digits) {
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  int exponent = 0;
  if (const std::size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
    std::string_view power = text.substr(e + 1);
    if (power.starts_with('+')) power.remove_prefix(1);
    const auto end = std::from_chars(power.data(), power.data() + power.size(), exponent);
    if (power.empty() || end.ec != std::errc{} || end.ptr != power.data() + power.size()) return {};
    if (exponent < -400 || exponent > 400) return {};
    text = text.substr(0, e);
  }
  // The digits as a whole number of 10^scale.
  __int128 value = 0;
  int scale = exponent;
  bool any = false, point = false;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') return {};
    any = true;
    if (value > INT64_MAX) {  // more digits than matter
      if (!point) ++scale;
      continue;
    }
    value = value * 10 + (c - '0');
    if (point) --scale;
  }
  if (!any) return {};
  for (scale += digits; scale > 0; --scale) {
    value *= 10;
    if (value > INT64_MAX) return {};
  }
  for (; scale < 0 && value != 0; ++scale) value = scale == -1 ? (value + 5) / 10 : value / 10;
  if (value > INT64_MAX) return {};
  return static_cast<int64_t>(negative ? -value : value);
}

Result<std::vector<std::string>> files_of(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    if (entry.is_regular_file(error)) files.push_back(entry.path().string());
  }
  if (files.empty()) return Error{Code::invalid, path + ": there are no files in this folder"};
  std::sort(files.begin(), files.end());
  return files;
}

// Lines of a file or of a text.
struct Rows::Source {
  gzFile file = nullptr;
  std::string buffer;
  std::size_t begin = 0;
  bool end = false, failed = false;

  ~Source() {
    if (file != nullptr) gzclose(file);
  }
  // False at the end. `line` is valid until the next call. A line that is too long is cut off, and
  // the next call goes on after it.
  bool next(std::string_view& line, bool& too_long) {
    too_long = false;
    std::size_t newline = buffer.find('\n', begin);
    while (newline == std::string::npos && !end) {
      const std::size_t have = buffer.size() - begin;
      if (have > kLineMax) too_long = true;
      buffer.erase(0, too_long ? buffer.size() : begin);
      begin = 0;
      const std::size_t before = buffer.size();
      buffer.resize(before + kBuffer);
      const int got = gzread(file, buffer.data() + before, kBuffer);
      int error = Z_OK;
      gzerror(file, &error);
      failed = got < 0 || error == Z_BUF_ERROR;  // the latter: they end too early
      buffer.resize(before + static_cast<std::size_t>(std::max(got, 0)));
      end = got < static_cast<int>(kBuffer);
      newline = buffer.find('\n', begin);
    }
    if (newline == std::string::npos) {
      if (begin >= buffer.size() && !too_long) return false;
      newline = buffer.size();
    }
    line = std::string_view(buffer).substr(begin, newline - begin);
    begin = std::min(newline + 1, buffer.size());
    too_long = too_long || line.size() > kLineMax;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return true;
  }
};

Rows::Rows(std::vector<std::string> files, RowOptions options)
    : options_(options), files_(std::move(files)) {
  for (std::size_t i = 0; i < options_.columns.size(); ++i) place_.push_back(i);
}

Rows::Rows(std::string name, std::string text, RowOptions options)
    : Rows(std::vector<std::string>{}, options) {
  name_ = std::move(name);
  source_ = std::make_unique<Source>();
  source_->buffer = std::move(text);
  source_->end = true;
}

Rows::~Rows() = default;

void Rows::complain(const std::string& why) {
  if (bad_) return;  // the first complaint about a row is enough
  bad_ = true;
  const std::string message = name_ + ":" + std::to_string(line_) + ": " + why;
  if (!options_.lenient) {
    status_ = Status(Code::invalid, message);
  } else if (skipped_.rows++ == 0) {
    skipped_.first = message;
  }
}

bool Rows::next_line() {
  for (;;) {
    if (!source_) {
      if (next_file_ == files_.size()) return false;
      name_ = files_[next_file_++];
      line_ = 0;
      header_read_ = false;
      source_ = std::make_unique<Source>();
      std::error_code ignored;
      if (!std::filesystem::is_directory(name_, ignored)) {
        source_->file = gzopen(name_.c_str(), "rb");
      }
      if (source_->file == nullptr) {
        status_ = Status(Code::invalid, name_ + ": cannot be read");
        return false;
      }
    }
    bool too_long = false;
    if (source_->next(text_, too_long)) {
      ++line_;
      bad_ = false;
      if (too_long) {
        complain("the line is longer than " + std::to_string(kLineMax) + " bytes");
        if (!status_.ok()) return false;
        continue;
      }
      return true;
    }
    if (source_->failed) {
      status_ = Status(Code::invalid, name_ + ":" + std::to_string(line_ + 1) +
                                          ": cannot be read on: the compressed data are damaged");
      return false;
    }
    source_.reset();
  }
}

void Rows::split() {
  fields_.clear();
  std::string_view rest = text_;
  if (options_.separator == ' ') {
    for (;;) {
      while (!rest.empty() && blank(rest.front())) rest.remove_prefix(1);
      if (rest.empty()) return;
      const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
      fields_.push_back(rest.substr(0, end));
      rest.remove_prefix(end);
    }
  }
  for (;;) {
    const std::size_t end = rest.find(options_.separator);
    std::string_view field = rest.substr(0, end);
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"') {
      field = field.substr(1, field.size() - 2);  // the traces have no separators within quotes
    }
    fields_.push_back(field);
    if (end == std::string_view::npos) return;
    rest.remove_prefix(end + 1);
  }
}

bool Rows::read_header() {
  header_read_ = true;
  for (std::size_t i = 0; i < options_.columns.size(); ++i) {
    const auto it = std::find(fields_.begin(), fields_.end(), options_.columns[i]);
    place_[i] = it == fields_.end() ? kAbsent : static_cast<std::size_t>(it - fields_.begin());
    const bool needed = options_.at_least == 0 || i < options_.at_least;
    if (place_[i] != kAbsent || !needed) continue;
    status_ = Status(Code::invalid, name_ + ":" + std::to_string(line_) + ": the header has no column " +
                                        options_.columns[i]);
    return false;
  }
  return true;
}

bool Rows::next() {
  const std::size_t needed = options_.at_least == 0 ? options_.columns.size() : options_.at_least;
  while (status_.ok() && next_line()) {
    if (text_.find_first_not_of(" \t") == std::string_view::npos) continue;
    if (options_.comment != 0 && text_.front() == options_.comment) {
      if (comments_.size() < kCommentsMax) comments_.emplace_back(text_.substr(1));
      continue;
    }
    split();
    if (options_.header && !header_read_) {
      if (!read_header()) return false;
      continue;
    }
    std::size_t wanted = needed;
    if (options_.header) {
      wanted = 0;
      for (std::size_t i = 0; i < needed; ++i) wanted = std::max(wanted, place_[i] + 1);
    }
    if (fields_.size() >= wanted && (options_.header || fields_.size() <= options_.columns.size())) {
      return true;
    }
    complain("has " + std::to_string(fields_.size()) + " fields instead of " +
             std::to_string(fields_.size() < wanted ? wanted : options_.columns.size()));
  }
  return false;
}

std::string_view Rows::text(std::size_t column) const {
  const std::size_t place = place_[column];
  return place < fields_.size() ? fields_[place] : std::string_view{};
}

int64_t Rows::integer(std::size_t column, int64_t low, int64_t high) {
  const std::string_view value = text(column);
  int64_t out = 0;
  const auto end = std::from_chars(value.data(), value.data() + value.size(), out);
  if (end.ec == std::errc{} && end.ptr == value.data() + value.size() && out >= low && out <= high) {
    return out;
  }
  fail(column, shown(value) + " is not a whole number from " + std::to_string(low) + " to " +
                   std::to_string(high));
  return 0;
}

int64_t Rows::decimal(std::size_t column, int digits, int64_t low, int64_t high) {
  const std::optional<int64_t> value = parse_decimal(text(column), digits);
  if (value && *value >= low && *value <= high) return *value;
  fail(column, shown(text(column)) + " is not a number from " + shown(low, digits) + " to " +
                   shown(high, digits));
  return 0;
}

void Rows::fail(std::size_t column, const std::string& why) {
  complain(std::string(options_.columns[column]) + ": " + why);
}

Status finish_table(const Rows& rows, Skipped& skipped) {
  skipped.rows += rows.skipped().rows;
  if (skipped.first.empty()) skipped.first = rows.skipped().first;
  return rows.status();
}

}  // namespace keelson::lab
