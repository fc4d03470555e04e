#include "sim/inside/shell.hpp"

#include <algorithm>

#include "sim/inside/commands.hpp"

namespace keelson::sim {

namespace {

bool word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool is_shell(const std::string& path) {
  const std::string name = base_name(path);
  return name == "sh" || name == "bash" || name == "ash";
}

// Where a quotation, or $(...), that begins at `at` ends: the index after it.
std::size_t skip_group(std::string_view text, std::size_t at) {
  if (text[at] == '\'') return std::min(text.find('\'', at + 1), text.size() - 1) + 1;
  if (text[at] == '"') {
    for (std::size_t i = at + 1; i < text.size(); ++i) {
      if (text[i] == '\\') ++i;
      else if (text[i] == '"') return i + 1;
    }
    return text.size();
  }
  int depth = 0;
  for (std::size_t i = at; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && --depth == 0) return i + 1;
  }
  return text.size();
}

bool opens_group(std::string_view text, std::size_t at) {
  return text[at] == '\'' || text[at] == '"' || text.substr(at, 2) == "$(";
}

}  // namespace

std::string Outcome::printed() const {
  std::string all;
  for (const Piece& piece : pieces) {
    if (!piece.error) all += piece.text;
  }
  return all;
}

void Outcome::then(Outcome next) {
  for (Piece& piece : next.pieces) {
    piece.at = std::min(piece.at + length, kLengthMax);
    pieces.push_back(std::move(piece));
  }
  length = std::min(length + next.length, kLengthMax);
  code = next.code;
  exits = next.exits;
}

Shell::Shell(const Inside& inside, ContainerFiles& files, WallTime start)
    : inside_(inside), files_(files), now_(start) {
  for (const auto& [name, value] : inside.environment) variables_[name] = value;
}

void Shell::pass(Duration time) {
  // The year 2160: what lasts for ever still fits behind it.
  static constexpr WallTime kLatest{6'000'000'000'000'000'000};
  now_ = std::min(now_ + time, kLatest);
}

bool Shell::knows(const std::string& name) {
  return !name.empty() && (is_shell(name) || find_command(base_name(name)) != nullptr);
}

bool Shell::is_interactive(const std::vector<std::string>& command) {
  if (command.empty() || !is_shell(command[0])) return false;
  return std::all_of(command.begin() + 1, command.end(), [](const std::string& option) {
    return option == "-i" || option == "-l" || option == "--login";
  });
}

bool Shell::reads_input(const std::vector<std::string>& command) {
  if (command.empty()) return false;
  if (is_shell(command[0])) {
    // Of what stands in a script, these take what nobody else reads.
    if (command.size() < 3) return false;
    const std::string& script = command.back();
    return script.find("cat") != std::string::npos || script.find("tar x") != std::string::npos ||
           script.find("tar -x") != std::string::npos;
  }
  const std::string name = base_name(command[0]);
  if (name == "tar") {
    return command.size() > 1 && std::any_of(command.begin() + 1, command.end(), [](const auto& word) {
             return word[0] != '/' && !word.starts_with("--") && word.find('x') != std::string::npos &&
                    word.find('f') != std::string::npos;
           });
  }
  if (name == "cat" || name == "wc" || name == "head" || name == "tail") {
    return std::all_of(command.begin() + 1, command.end(),
                       [](const auto& word) { return word.starts_with('-'); });
  }
  return name == "grep" && command.size() < 3;
}

std::string Shell::variable(const std::string& name) const {
  if (name == "?") return std::to_string(last_code_);
  if (name == "$") return "1";
  const auto it = variables_.find(name);
  return it == variables_.end() ? std::string() : it->second;
}

bool Shell::assign(const std::string& word, std::size_t equals) {
  const auto known = variables_.find(word.substr(0, equals));
  const std::size_t freed =
      known == variables_.end() ? 0 : known->first.size() + 1 + known->second.size();
  if (word.size() > room_ + freed) return false;
  room_ = room_ + freed - word.size();
  variables_[word.substr(0, equals)] = word.substr(equals + 1);
  return true;
}

Outcome Shell::out_of_memory() {
  Outcome outcome;
  if (stops_at_unknown_) {
    give_up();
    return outcome;
  }
  outcome.complain("sh: out of memory\n");
  outcome.code = 2;
  outcome.exits = true;
  return outcome;
}

std::vector<Shell::Pipeline> Shell::split(std::string_view line) {
  std::vector<Pipeline> parts;
  Pipeline part;
  const auto finish = [&](char joined_by) {
    if (part.text.find_first_not_of(" \t\r") != std::string::npos) parts.push_back(std::move(part));
    part = {};
    part.joined_by = joined_by;
  };
  for (std::size_t i = 0; i < line.size();) {
    if (line[i] == '\\' && i + 1 < line.size()) {
      part.text += line.substr(i, 2);
      i += 2;
    } else if (opens_group(line, i)) {
      const std::size_t end = skip_group(line, i);
      part.text += line.substr(i, end - i);
      i = end;
    } else if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\n')) {
      i = std::min(line.find('\n', i), line.size());
    } else if (line.substr(i, 2) == "&&" || line.substr(i, 2) == "||") {
      finish(line[i]);
      i += 2;
    } else if (line[i] == ';' || line[i] == '\n') {
      finish(';');
      ++i;
    } else {
      part.text += line[i++];
    }
  }
  finish(';');
  return parts;
}

Outcome Shell::run_line(std::string_view line, const std::string& input) {
  Outcome all;
  if (++depth_ > 8) {
    --depth_;
    all.complain("sh: too deep\n");
    all.code = 2;
    return all;
  }
  std::size_t size = 0;
  for (const Pipeline& part : split(line)) {
    if (part.joined_by == '&' && last_code_ != 0) continue;
    if (part.joined_by == '|' && last_code_ == 0) continue;
    Outcome next = run_pipeline(part.text, input);
    pass(next.length);
    last_code_ = next.code;
    for (const Outcome::Piece& piece : next.pieces) size += piece.text.size();
    all.then(std::move(next));
    if (all.exits || goes_on() || size > kOutputMax) break;
  }
  --depth_;
  return all;
}

Outcome Shell::run_pipeline(const std::string& text, const std::string& input) {
  if (stops_at_unknown_ && text.find('`') != std::string::npos) {
    unknown_ = true;
    return {};
  }
  // Parts are run one after the other, each with what the one before has printed.
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      parts.back() += text.substr(i, 2);
      i += 2;
    } else if (opens_group(text, i)) {
      const std::size_t end = skip_group(text, i);
      parts.back() += text.substr(i, end - i);
      i = end;
    } else if (text[i] == '|') {
      parts.emplace_back();
      ++i;
    } else {
      parts.back() += text[i++];
    }
  }
  Outcome all;
  std::string flows = input;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Simple command;
    const bool parsed = parse(parts[i], command);
    if (goes_on()) return all;  // on the way, in a $(...)
    if (command.too_large) return out_of_memory();
    if (!parsed) {
      all.complain("sh: syntax error\n");
      all.code = 2;
      return all;
    }
    Outcome next = run_simple(command, flows);
    if (i + 1 < parts.size()) {
      flows = next.printed();
      std::erase_if(next.pieces, [](const auto& piece) { return !piece.error; });
      next.exits = false;
    }
    all.then(std::move(next));
    if (goes_on()) break;
  }
  return all;
}

bool Shell::parse(std::string_view text, Simple& command) {
  std::string word;
  bool has_word = false;
  std::string* redirect = nullptr;
  const auto finish_word = [&] {
    if (!has_word) return;
    if (redirect != nullptr) {
      *redirect = std::move(word);
      redirect = nullptr;
    } else {
      command.words.push_back(std::move(word));
    }
    word.clear();
    has_word = false;
  };
  // All that is not in the text itself: it may grow with every command.
  std::size_t room = kVariablesMax;
  const auto put = [&](std::string_view expanded) {
    command.too_large = command.too_large || expanded.size() > room;
    if (command.too_large) return;
    room -= expanded.size();
    word += expanded;
  };
  // Takes a '$' and what belongs to it; the index after it.
  const auto expand = [&](std::size_t i, std::string_view in) {
    has_word = true;
    if (in.substr(i, 2) == "$(") {
      const std::size_t end = skip_group(in, i);
      std::string printed =
          run_line(in.substr(i + 2, std::max(end, i + 3) - i - 3), {}).printed();
      while (printed.ends_with('\n')) printed.pop_back();
      put(printed);
      return end;
    }
    if (in.substr(i, 2) == "${") {
      const std::size_t end = std::min(in.find('}', i), in.size() - 1);
      std::string name(in.substr(i + 2, end - i - 2));
      std::string otherwise;
      if (const std::size_t dash = name.find(":-"); dash != std::string::npos) {
        otherwise = name.substr(dash + 2);
        name.resize(dash);
      }
      const std::string value = variable(name);
      put(value.empty() ? otherwise : value);
      return end + 1;
    }
    std::size_t end = i + 1;
    if (end < in.size() && (in[end] == '?' || in[end] == '$')) {
      ++end;
    } else {
      while (end < in.size() && word_char(in[end])) ++end;
    }
    put(end == i + 1 ? "$" : variable(std::string(in.substr(i + 1, end - i - 1))));
    return end;
  };
  for (std::size_t i = 0; i < text.size() && !command.too_large;) {
    const char c = text[i];
    if (c == ' ' || c == '\t' || c == '\r') {
      finish_word();
      ++i;
    } else if (c == '\\' && i + 1 < text.size()) {
      word += text[i + 1];
      has_word = true;
      i += 2;
    } else if (c == '\'') {
      const std::size_t end = text.find('\'', i + 1);
      if (end == std::string_view::npos) return false;
      word += text.substr(i + 1, end - i - 1);
      has_word = true;
      i = end + 1;
    } else if (c == '"') {
      has_word = true;
      for (++i; i < text.size() && text[i] != '"' && !command.too_large;) {
        if (text[i] == '\\' && i + 1 < text.size() &&
            std::string_view("\"\\$`").find(text[i + 1]) != std::string_view::npos) {
          word += text[i + 1];
          i += 2;
        } else if (text[i] == '$') {
          i = expand(i, text);
        } else {
          word += text[i++];
        }
      }
      if (i >= text.size()) return false;
      ++i;
    } else if (c == '$') {
      i = expand(i, text);
    } else if (text.substr(i, 4) == "2>&1") {
      finish_word();
      command.errors_too = true;
      i += 4;
    } else if (text.substr(i, 4) == ">&2 " || text.substr(i) == ">&2" || text.substr(i, 4) == "1>&2") {
      finish_word();
      command.output_to = "/dev/stderr";
      i += text[i] == '1' ? 4 : 3;
    } else if (text.substr(i, 2) == "2>") {
      finish_word();
      command.discard_errors = true;
      redirect = &command.errors_to;
      i += 2;
    } else if (c == '>' || c == '<') {
      finish_word();
      redirect = c == '>' ? &command.output_to : &command.input_from;
      command.append = text.substr(i, 2) == ">>";
      i += command.append ? 2 : 1;
    } else if (c == '&') {
      ++i;  // there are no jobs here: it is waited for
    } else {
      word += c;
      has_word = true;
      ++i;
    }
  }
  finish_word();
  return redirect == nullptr;
}

Outcome Shell::run_simple(const Simple& command, const std::string& input) {
  Outcome outcome;
  Arguments words = command.words;
  // Assignments before a command, or alone.
  auto first = words.begin();
  for (; first != words.end(); ++first) {
    const std::size_t equals = first->find('=');
    if (equals == std::string::npos || equals == 0 ||
        !std::all_of(first->begin(), first->begin() + static_cast<std::ptrdiff_t>(equals), word_char)) {
      break;
    }
    if (!assign(*first, equals)) return out_of_memory();
  }
  words.erase(words.begin(), first);
  std::string from = input;
  if (!command.input_from.empty() && !read_file(path(command.input_from), from)) {
    outcome.complain("sh: can't open " + command.input_from + ": no such file\n");
    outcome.code = 1;
    return outcome;
  }
  if (!words.empty()) {
    outcome = run(words, from);
    if (outcome.code == 127 && !knows(words[0])) {
      unknown_ = stops_at_unknown_;
      if (unknown_) return outcome;
      outcome.complain("sh: " + words[0] + ": not found\n");
    }
  }
  if (command.discard_errors) std::erase_if(outcome.pieces, [](const auto& p) { return p.error; });
  if (command.errors_too) {
    for (Outcome::Piece& piece : outcome.pieces) piece.error = false;
  }
  if (command.output_to.empty()) return outcome;
  if (command.output_to == "/dev/stderr" || command.output_to == "/dev/stdout") {
    for (Outcome::Piece& piece : outcome.pieces) {
      piece.error = piece.error || command.output_to == "/dev/stderr";
    }
    return outcome;
  }
  std::string content = outcome.printed();
  std::erase_if(outcome.pieces, [](const auto& piece) { return !piece.error; });
  if (command.output_to == "/dev/null") return outcome;
  const std::string target = path(command.output_to);
  if (command.append) {
    std::string before;
    if (read_file(target, before)) content = before + content;
  }
  if (!files_.write(target, std::move(content))) {
    outcome.complain(called_ + ": can't create " + command.output_to + ": " +
                     (files_.may_write(target) ? "no space, or a directory\n" : "Read-only file system\n"));
    outcome.code = 1;
  }
  return outcome;
}

bool Shell::read_file(const std::string& path, std::string& content) const {
  if (const std::string* file = files_.read(path)) {
    content = *file;
    return true;
  }
  if (path == "/etc/hostname") {
    content = inside_.hostname + "\n";
  } else if (path == "/etc/hosts") {
    content = "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost "
              "ip6-loopback\n" + inside_.ip + "\t" + inside_.hostname + "\n" + inside_.more_hosts;
  } else if (path == "/etc/resolv.conf") {
    content = "search " + inside_.ns + ".svc.cluster.local svc.cluster.local cluster.local\n"
              "nameserver 10.96.0.10\noptions ndots:5\n";
  } else if (path == "/etc/os-release") {
    content = "NAME=\"Simulated Linux\"\nID=simulated\nVERSION_ID=1\n";
  } else if (path == "/etc/passwd") {
    content = "root:x:0:0:root:/root:/bin/sh\n";
  } else if (path == "/dev/null") {
    content.clear();
  } else {
    return false;
  }
  return true;
}

Outcome Shell::run_program(const std::vector<std::string>& command) {
  stops_at_unknown_ = true;
  return run(command, {});
}

Outcome Shell::go_on_for_ever() {
  serves_ = stops_at_unknown_;
  Outcome outcome;
  outcome.length = std::chrono::hours(24 * 365);
  return outcome;
}

Outcome Shell::serve(Serving serving) {
  serving_ = serving;
  return go_on_for_ever();
}

Outcome Shell::run(const std::vector<std::string>& command, const std::string& input) {
  Outcome outcome;
  if (command.empty() || !knows(command[0])) {
    outcome.code = 127;
    return outcome;
  }
  if (is_shell(command[0])) {
    called_ = command[0];
    const auto script = std::find_if(command.begin() + 1, command.end(), [](const std::string& word) {
      return word.starts_with('-') && word.ends_with('c');
    });
    if (script != command.end() && script + 1 != command.end()) {
      outcome = run_line(*(script + 1), input);
    } else {
      outcome = run_line(input, {});
    }
    outcome.exits = false;
    return outcome;
  }
  return find_command(base_name(command[0]))(*this, command, input);
}

}  // namespace keelson::sim
