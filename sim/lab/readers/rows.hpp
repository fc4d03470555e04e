// Tables as they are published: rows of fields, one row per line, plain or compressed by gzip. One
// pass, bounded memory, and each complaint names file, line and field.
//
//   Rows rows({"trace.csv"}, {.columns = kColumns});
//   while (rows.next()) {
//     const int64_t cpu = rows.decimal(kPlanCpu, 3, 0, kMany);
//     if (rows.bad()) continue;  // strict: the next next() ends; lenient: the row is counted
//     ...
//   }
//   if (!rows.status().ok()) return rows.status().error();
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "sim/lab/workload.hpp"

namespace keelson::lab {

// "1.5", "-3", "1.2e-05" as a whole number of 10^-digits, rounded to the nearest; nullopt if it is no
// number or does not fit.
std::optional<int64_t> parse_decimal(std::string_view text, int digits);

struct RowOptions {
  // What the columns are called, here and in complaints; a column's number is its place in this list.
  std::span<const char* const> columns;
  // The first line names the columns, in an order of its own; else they stand in the list's order.
  bool header = false;
  // How many of them a row must have; further ones may be absent. 0: all of them.
  std::size_t at_least = 0;
  char separator = ',';  // ' ': any run of blanks
  char comment = 0;      // lines that begin with it are handed to `on_comment`
  bool lenient = false;  // bad rows are counted and left out
};

// The files that a path stands for: itself, or what is in the folder, sorted by name (traces are
// published in parts). Error: Code::invalid.
Result<std::vector<std::string>> files_of(const std::string& path);

class Rows {
 public:
  Rows(std::vector<std::string> files, RowOptions options);
  // The rows of a text, for tests; `name` is what complaints call it.
  Rows(std::string name, std::string text, RowOptions options);
  ~Rows();
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  // The next row that has enough fields. False: the end, or status() says why not.
  bool next();

  // Fields of this row. A field that is not as it must be makes the row bad, and the answer is 0.
  // An absent column is empty.
  std::string_view text(std::size_t column) const;
  bool empty(std::size_t column) const { return text(column).empty(); }
  int64_t integer(std::size_t column, int64_t low, int64_t high);
  // In units of 10^-digits; so are `low` and `high`.
  int64_t decimal(std::size_t column, int digits, int64_t low, int64_t high);
  // The row cannot be used.
  void fail(std::size_t column, const std::string& why);
  bool bad() const { return bad_; }

  // Header comments, without their mark, as they are met.
  std::vector<std::string> take_comments() { return std::exchange(comments_, {}); }
  std::size_t line() const { return line_; }
  const Status& status() const { return status_; }
  const Skipped& skipped() const { return skipped_; }

 private:
  struct Source;
  bool next_line();
  bool read_header();
  void split();
  void complain(const std::string& why);

  RowOptions options_;
  std::vector<std::string> files_;
  std::size_t next_file_ = 0;
  std::unique_ptr<Source> source_;
  std::string name_;  // of the file that is read
  std::size_t line_ = 0;
  std::string_view text_;                 // of the line
  std::vector<std::string_view> fields_;  // of the row
  std::vector<std::size_t> place_;        // of each column among the fields
  bool bad_ = false, header_read_ = false;
  std::vector<std::string> comments_;
  Status status_;
  Skipped skipped_;
};

// At the end of one of several tables: adds its skipped rows to those of the others. Answers its status.
Status finish_table(const Rows& rows, Skipped& skipped);

}  // namespace keelson::lab
