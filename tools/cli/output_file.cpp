#include "tools/cli/output_file.hpp"

#include <cstdio>
#include <fstream>

namespace keelson::cli {

bool can_write(const std::string& file) {
  return file.empty() || file == "-" || std::ofstream(file, std::ios::app);
}

bool write_file(const std::string& file, const std::string& text) {
  if (file == "-") return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  std::ofstream out(file);
  out << text;
  out.flush();
  if (!out) std::fprintf(stderr, "keelson: cannot write %s\n", file.c_str());
  return static_cast<bool>(out);
}

}  // namespace keelson::cli
