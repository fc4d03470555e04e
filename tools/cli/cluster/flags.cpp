#include "tools/cli/cluster/flags.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cxxopts.hpp>
#include <set>

#include "tools/cli/cluster/tabs.hpp"

namespace keelson::cli {

namespace {

Error bad(std::string message) {
  return {Code::invalid, "error: " + message};
}

bool is_switch(const FlagSpec& spec) {
  return *spec.value == '\0';
}

// "-ojson" and "-o=json" in two words, "--v=6" with one dash, as the flag library wants them.
void split_short(std::string word, const std::set<char>& valued, std::vector<std::string>& out) {
  if (word.starts_with("--") && (word.size() == 3 || (word.size() > 3 && word[3] == '=')))
    word.erase(0, 1);
  if (word.size() > 2 && word[0] == '-' && word[1] != '-') {
    // Switches may stand before: -itnkube-system.
    for (std::size_t i = 1; i < word.size(); ++i) {
      if (!valued.count(word[i])) continue;
      if (i + 1 == word.size()) break;
      out.push_back(word.substr(0, i + 1));
      out.push_back(word.substr(word[i + 1] == '=' ? i + 2 : i + 1));
      return;
    }
  }
  out.push_back(word);
}

std::string dashes(const std::string& name) {
  return name.size() == 1 ? "-" + name : "--" + name;
}

}  // namespace

std::pair<std::string, std::string> flag_names(const FlagSpec& spec) {
  const std::string names = spec.names;
  const auto comma = names.find(',');
  if (comma == std::string::npos) return {"", names};
  return {names.substr(0, comma), names.substr(comma + 1)};
}

Result<Flags> Flags::parse(const std::vector<std::vector<FlagSpec>>& specs,
                           const std::vector<std::string>& words) {
  Flags out;
  std::vector<std::string> flagged{"keelson"};
  std::set<std::string> known;
  std::set<char> valued_short;
  std::map<std::string, std::string> long_of;
  try {
    cxxopts::Options options("keelson");
    for (const auto& list : specs) {
      for (const FlagSpec& spec : list) {
        auto [short_name, long_name] = flag_names(spec);
        if (!known.insert(long_name).second) continue;
        if (!short_name.empty() && !known.insert(short_name).second) short_name.clear();
        auto value = cxxopts::value<std::string>();
        if (is_switch(spec)) value->implicit_value("true");
        if (spec.implicit) value->implicit_value(spec.implicit);
        const std::string& letter = long_name.size() == 1 ? long_name : short_name;
        if (!is_switch(spec) && !spec.implicit && !letter.empty()) valued_short.insert(letter[0]);
        long_of[long_name] = long_name;
        if (!short_name.empty()) long_of[short_name] = long_name;
        options.add_options()(short_name.empty() ? long_name : short_name + "," + long_name, "",
                              value);
      }
    }
    std::size_t i = 0;
    for (; i < words.size() && words[i] != "--"; ++i) split_short(words[i], valued_short, flagged);
    out.has_tail_ = i < words.size();
    if (out.has_tail_)
      out.tail_.assign(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());

    std::vector<const char*> argv;
    for (const std::string& word : flagged) argv.push_back(word.c_str());
    const auto parsed = options.parse(static_cast<int>(argv.size()), argv.data());
    for (const auto& one : parsed.arguments())
      out.values_[long_of[one.key()]].push_back(one.value());
    out.args_ = parsed.unmatched();
  } catch (const cxxopts::exceptions::no_such_option&) {
    for (std::size_t i = 1; i < flagged.size(); ++i) {
      const std::string& word = flagged[i];
      if (word.size() < 2 || word[0] != '-') continue;
      if (word[1] == '-') {
        const std::string name = word.substr(2, word.find('=') - 2);
        if (!known.count(name)) return bad("unknown flag: --" + name);
      } else {
        for (const char c : word.substr(1)) {
          if (!known.count(std::string(1, c))) {
            return bad(fmt::format("unknown shorthand flag: '{}' in {}", c, word));
          }
        }
      }
    }
    return bad("unknown flag");
  } catch (const cxxopts::exceptions::missing_argument&) {
    const std::string& last = flagged.back();
    return bad("flag needs an argument: " +
               (last.starts_with("--") ? last : fmt::format("'{}' in {}", last.substr(1), last)));
  } catch (const cxxopts::exceptions::exception& e) {
    return bad(e.what());
  }
  return out;
}

bool Flags::on(const std::string& name) const {
  const std::string value = get(name, "false");
  return value == "true" || value == "1" || value == "t" || value == "True";
}

std::string Flags::get(const std::string& name, std::string_view absent) const {
  const auto at = values_.find(name);
  return at == values_.end() ? std::string(absent) : at->second.back();
}

std::vector<std::string> Flags::all(const std::string& name) const {
  const auto at = values_.find(name);
  return at == values_.end() ? std::vector<std::string>{} : at->second;
}

Result<int64_t> Flags::number(const std::string& name, int64_t absent) const {
  if (!has(name)) return absent;
  const std::string text = get(name);
  int64_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end.ec != std::errc{} || end.ptr != text.data() + text.size()) {
    return bad(fmt::format("invalid argument \"{}\" for \"{}\" flag: it is no number", text,
                           dashes(name)));
  }
  return value;
}

std::string flags_help(const std::vector<FlagSpec>& specs) {
  std::string out;
  for (const FlagSpec& spec : specs) {
    const auto [short_name, long_name] = flag_names(spec);
    out += short_name.empty() ? "      " : "  -" + short_name + ", ";
    out += "--" + long_name;
    if (!is_switch(spec)) out += fmt::format("{}{}", spec.implicit ? "[=" : " ", spec.value);
    if (spec.implicit) out += "]";
    out += fmt::format("\t{}\n", spec.help);
  }
  return align_tabs(out, {0, 2});
}

}  // namespace keelson::cli
