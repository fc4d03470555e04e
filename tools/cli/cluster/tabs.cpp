#include "tools/cli/cluster/tabs.hpp"

#include <algorithm>

namespace keelson::cli {

namespace {

using Line = std::vector<std::string_view>;

class Aligner {
 public:
  Aligner(std::vector<Line> lines, const TabOptions& options)
      : lines_(std::move(lines)), options_(options) {}

  std::string run() {
    format(0, lines_.size());
    return std::move(out_);
  }

 private:
  // Lines [begin, end) share the columns whose widths are known; finds those of the next column and
  // descends into each run of lines that have it.
  void format(std::size_t begin, std::size_t end) {
    const std::size_t column = widths_.size();
    for (std::size_t at = begin; at < end; ++at) {
      if (column + 1 >= lines_[at].size()) continue;
      write(begin, at);
      std::size_t width = options_.width_min;
      std::size_t stop = at;
      for (; stop < end && column + 1 < lines_[stop].size(); ++stop) {
        width = std::max(width, text_width(lines_[stop][column]) + options_.padding);
      }
      widths_.push_back(width);
      format(at, stop);
      widths_.pop_back();
      begin = stop;
      at = stop - 1;
    }
    write(begin, end);
  }

  void write(std::size_t begin, std::size_t end) {
    for (std::size_t at = begin; at < end; ++at) {
      const Line& line = lines_[at];
      for (std::size_t i = 0; i < line.size(); ++i) {
        out_ += line[i];
        if (i + 1 < line.size()) out_.append(widths_[i] - text_width(line[i]), ' ');
      }
      if (at + 1 < lines_.size()) out_ += '\n';
    }
  }

  std::vector<Line> lines_;
  TabOptions options_;
  std::vector<std::size_t> widths_;
  std::string out_;
};

}  // namespace

std::size_t text_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string align_tabs(std::string_view text, const TabOptions& options) {
  std::vector<Line> lines(1);
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '\t' && text[i] != '\n') continue;
    lines.back().push_back(text.substr(begin, i - begin));
    begin = i + 1;
    if (i < text.size() && text[i] == '\n') lines.emplace_back();
  }
  return Aligner(std::move(lines), options).run();
}

}  // namespace keelson::cli
