#include "sim/inside/commands.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "sim/inside/agnhost.hpp"
#include "sim/inside/tar.hpp"

namespace keelson::sim {

using Words = std::vector<std::string>;

namespace {

std::optional<int64_t> number_of(std::string_view text) {
  int64_t value = 0;
  const auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (trouble != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

Outcome printed(std::string text) {
  Outcome outcome;
  outcome.print(std::move(text));
  return outcome;
}

Outcome failed(std::string text, int32_t code = 1) {
  Outcome outcome;
  outcome.complain(std::move(text));
  outcome.code = code;
  return outcome;
}

Outcome ended(int32_t code) {
  Outcome outcome;
  outcome.code = code;
  return outcome;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

}  // namespace

// A friend of the shell: what its commands do.
struct Commands {
  // What stands after the options.
  static Words operands(const Words& words) {
    Words rest;
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (!words[i].starts_with('-') || words[i] == "-") rest.push_back(words[i]);
    }
    return rest;
  }

  // The content of all files named, or the input. False: one is missing, and `trouble` says so.
  static bool gather(Shell& shell, const Words& words, const Words& files, const std::string& input,
                     std::string& content, Outcome& trouble) {
    if (files.empty()) content = input;
    for (const std::string& file : files) {
      std::string one;
      const std::string path = shell.path(file);
      if (file == "-") {
        one = input;
      } else if (shell.files_.is_directory(path)) {
        trouble = failed(words[0] + ": " + file + ": Is a directory\n");
        return false;
      } else if (!shell.read_file(path, one)) {
        trouble = failed(words[0] + ": can't open '" + file + "': No such file or directory\n");
        return false;
      }
      content += one;
      if (content.size() > Shell::kOutputMax) break;  // of what is named again and again
    }
    return true;
  }

  static Outcome echo(Shell&, const Words& words, const std::string&) {
    std::size_t first = 1;
    bool newline = true;
    for (; first < words.size() && (words[first] == "-n" || words[first] == "-e"); ++first) {
      newline = newline && words[first] != "-n";
    }
    std::string text;
    for (std::size_t i = first; i < words.size(); ++i) text += (i == first ? "" : " ") + words[i];
    return printed(text + (newline ? "\n" : ""));
  }

  static Outcome print_format(Shell&, const Words& words, const std::string&) {
    if (words.size() < 2) return ended(0);
    std::string text;
    std::size_t next = 2;
    const std::string& format = words[1];
    for (std::size_t i = 0; i < format.size(); ++i) {
      const char after = i + 1 < format.size() ? format[i + 1] : '\0';
      if (format[i] == '\\' && (after == 'n' || after == 't' || after == '\\')) {
        text += after == 'n' ? '\n' : after == 't' ? '\t' : '\\';
        ++i;
      } else if (format[i] == '%' && (after == 's' || after == 'd')) {
        if (next < words.size()) text += words[next++];
        ++i;
      } else {
        text += format[i];
      }
    }
    return printed(std::move(text));
  }

  static Outcome hostname(Shell& shell, const Words& words, const std::string&) {
    return printed((words.size() > 1 && words[1] == "-i" ? shell.inside_.ip : shell.inside_.hostname) + "\n");
  }
  static Outcome date(Shell& shell, const Words&, const std::string&) {
    return printed(date_text(shell.now_) + "\n");
  }
  static Outcome id(Shell& shell, const Words& words, const std::string&) {
    const std::string user = std::to_string(shell.inside_.user);
    if (words.size() > 1 && words[1] == "-u") return printed(user + "\n");
    return printed("uid=" + user + (shell.inside_.user == 0 ? "(root)" : "") +
                   " gid=0(root) groups=0(root)\n");
  }
  static Outcome whoami(Shell& shell, const Words&, const std::string&) {
    if (shell.inside_.user == 0) return printed("root\n");
    return failed("whoami: unknown uid " + std::to_string(shell.inside_.user) + "\n");
  }
  static Outcome pwd(Shell& shell, const Words&, const std::string&) {
    return printed(shell.directory_ + "\n");
  }
  static Outcome uname(Shell& shell, const Words& words, const std::string&) {
    return printed(words.size() > 1 && words[1] == "-a"
                       ? "Linux " + shell.inside_.hostname + " 6.1.0-keelson #1 SMP x86_64 GNU/Linux\n"
                       : "Linux\n");
  }
  static Outcome ip(Shell& shell, const Words& words, const std::string&) {
    if (words.size() > 2) return failed("ip: RTNETLINK answers: Operation not permitted\n", 2);
    return printed("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536\n    inet 127.0.0.1/8 scope host lo\n"
                   "2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500\n    inet " +
                   shell.inside_.ip + "/24 scope global eth0\n");
  }
  static Outcome yes(Shell&, const Words&, const std::string&) { return ended(0); }
  static Outcome no(Shell&, const Words&, const std::string&) { return ended(1); }
  static Outcome leave(Shell& shell, const Words& words, const std::string&) {
    Outcome outcome;
    outcome.code = shell.last_code_;
    if (words.size() > 1) outcome.code = static_cast<int32_t>(number_of(words[1]).value_or(2) & 255);
    outcome.exits = true;
    return outcome;
  }
  static Outcome sleep(Shell&, const Words& words, const std::string&) {
    if (words.size() < 2) return failed("sleep: missing operand\n");
    std::string text = words[1];
    int64_t unit = 1;
    if (text == "infinity") text = "1000000000";
    if (!text.empty() && (text.back() == 's' || text.back() == 'm' || text.back() == 'h' || text.back() == 'd')) {
      unit = text.back() == 'm' ? 60 : text.back() == 'h' ? 3600 : text.back() == 'd' ? 86400 : 1;
      text.pop_back();
    }
    // Fractions count to the millisecond.
    const std::size_t dot = text.find('.');
    const auto whole = number_of(dot == 0 ? "0" : text.substr(0, dot));
    std::string digits = dot == std::string::npos ? "0" : text.substr(dot + 1);
    digits.resize(3, '0');
    const auto thousandths = number_of(digits);
    if (!whole || !thousandths || *whole < 0 || *whole > 1'000'000'000) {
      return failed("sleep: invalid number '" + words[1] + "'\n");
    }
    Outcome outcome;
    outcome.length = std::chrono::milliseconds(std::min<int64_t>(*whole * unit, 1'000'000'000) * 1000 +
                                               *thousandths * unit);
    return outcome;
  }

  static Outcome env(Shell& shell, const Words& words, const std::string&) {
    if (words.size() > 1 && words[0].ends_with("printenv")) {
      const auto it = shell.variables_.find(words[1]);
      return it == shell.variables_.end() ? ended(1) : printed(it->second + "\n");
    }
    std::string text;
    for (const auto& [name, value] : shell.variables_) text += name + "=" + value + "\n";
    return printed(std::move(text));
  }
  static Outcome set_variable(Shell& shell, const Words& words, const std::string&) {
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::size_t equals = words[i].find('=');
      if (equals != std::string::npos && !shell.assign(words[i], equals)) return shell.out_of_memory();
    }
    return ended(0);
  }
  static Outcome change_directory(Shell& shell, const Words& words, const std::string&) {
    const std::string path = shell.path(words.size() > 1 ? words[1] : "/root");
    if (!shell.files_.is_directory(path)) {
      return failed("sh: cd: can't cd to " + words[1] + ": No such file or directory\n", 2);
    }
    shell.directory_ = path;
    return ended(0);
  }

  static Outcome cat(Shell& shell, const Words& words, const std::string& input) {
    std::string content;
    Outcome trouble;
    if (!gather(shell, words, operands(words), input, content, trouble)) return trouble;
    return printed(std::move(content));
  }
  static Outcome wc(Shell& shell, const Words& words, const std::string& input) {
    std::string content;
    Outcome trouble;
    if (!gather(shell, words, operands(words), input, content, trouble)) return trouble;
    const auto lines = std::count(content.begin(), content.end(), '\n');
    if (words.size() > 1 && words[1] == "-l") return printed(std::to_string(lines) + "\n");
    if (words.size() > 1 && words[1] == "-c") return printed(std::to_string(content.size()) + "\n");
    int64_t count = 0;
    bool in_word = false;
    for (const char c : content) {
      const bool space = c == ' ' || c == '\n' || c == '\t';
      if (!space && !in_word) ++count;
      in_word = !space;
    }
    return printed(std::to_string(lines) + " " + std::to_string(count) + " " +
                   std::to_string(content.size()) + "\n");
  }
  static Outcome grep(Shell& shell, const Words& words, const std::string& input) {
    Words rest = operands(words);
    if (rest.empty()) return failed("grep: missing pattern\n", 2);
    const std::string pattern = rest[0];
    rest.erase(rest.begin());
    std::string content, found;
    Outcome trouble;
    if (!gather(shell, words, rest, input, content, trouble)) return trouble;
    for (const std::string_view line : lines_of(content)) {
      if (line.find(pattern) != std::string_view::npos) found += line;
    }
    Outcome outcome = printed(found);
    outcome.code = found.empty() ? 1 : 0;
    return outcome;
  }
  // head and tail: -n N, -N, and -c +N of tail.
  static Outcome ends(Shell& shell, const Words& words, const std::string& input) {
    int64_t count = 10;
    std::optional<int64_t> from_byte;
    Words rest;
    for (std::size_t i = 1; i < words.size(); ++i) {
      std::string word = words[i];
      if (!word.starts_with('-')) {
        rest.push_back(word);
        continue;
      }
      word.erase(0, 1);
      const bool bytes = word.starts_with('c');
      if (bytes || word.starts_with('n')) word.erase(0, 1);
      if (word.empty() && i + 1 < words.size()) word = words[++i];
      const bool from = word.starts_with('+');
      const auto number = number_of(from ? word.substr(1) : word);
      if (!number || *number < 0) return failed(words[0] + ": invalid number '" + word + "'\n");
      if (bytes && from) from_byte = std::max<int64_t>(*number, 1) - 1;
      else count = *number;
    }
    std::string content;
    Outcome trouble;
    if (!gather(shell, words, rest, input, content, trouble)) return trouble;
    if (from_byte) {
      content.erase(0, static_cast<std::size_t>(std::min<int64_t>(*from_byte, static_cast<int64_t>(content.size()))));
      return printed(std::move(content));
    }
    const auto lines = lines_of(content);
    const auto take = std::min<std::size_t>(static_cast<std::size_t>(count), lines.size());
    const std::size_t first = words[0].ends_with("tail") ? lines.size() - take : 0;
    std::string text;
    for (std::size_t i = first; i < first + take; ++i) text += lines[i];
    return printed(std::move(text));
  }

  static Outcome ls(Shell& shell, const Words& words, const std::string&) {
    Words rest = operands(words);
    if (rest.empty()) rest.push_back(".");
    Outcome outcome;
    std::string text;
    for (const std::string& name : rest) {
      if (text.size() > Shell::kOutputMax) break;
      const std::string path = shell.path(name);
      std::string content;
      if (shell.files_.is_directory(path)) {
        std::vector<std::string> names = shell.files_.list(path);
        if (path == "/etc") {
          for (const char* made_up : {"hostname", "hosts", "os-release", "passwd", "resolv.conf"}) {
            names.insert(std::lower_bound(names.begin(), names.end(), made_up), made_up);
          }
        }
        for (const std::string& each : names) text += each + "\n";
      } else if (shell.read_file(path, content)) {
        text += name + "\n";
      } else {
        outcome.complain("ls: " + name + ": No such file or directory\n");
        outcome.code = 1;
      }
    }
    outcome.print(std::move(text));
    return outcome;
  }
  static Outcome make_directories(Shell& shell, const Words& words, const std::string&) {
    for (const std::string& name : operands(words)) {
      if (!shell.files_.make_directory(shell.path(name))) {
        return failed("mkdir: can't create directory '" + name + "'\n");
      }
    }
    return ended(0);
  }
  static Outcome remove(Shell& shell, const Words& words, const std::string&) {
    for (const std::string& name : operands(words)) shell.files_.remove(shell.path(name));
    return ended(0);
  }
  static Outcome touch(Shell& shell, const Words& words, const std::string&) {
    for (const std::string& name : operands(words)) {
      std::string content;
      if (!shell.read_file(shell.path(name), content) && !shell.files_.write(shell.path(name), "")) {
        return failed("touch: " + name + ": No space left on device\n");
      }
    }
    return ended(0);
  }
  static Outcome test(Shell& shell, const Words& words, const std::string&) {
    Words rest(words.begin() + 1, words.end());
    if (words[0] == "[" && !rest.empty() && rest.back() == "]") rest.pop_back();
    const bool negated = !rest.empty() && rest[0] == "!";
    if (negated) rest.erase(rest.begin());
    bool holds = false;
    std::string content;
    if (rest.size() == 1) {
      holds = !rest[0].empty();
    } else if (rest.size() == 2) {
      const std::string path = shell.path(rest[1]);
      const bool directory = shell.files_.is_directory(path);
      if (rest[0] == "-d") holds = directory;
      if (rest[0] == "-f") holds = shell.read_file(path, content);
      if (rest[0] == "-e") holds = directory || shell.read_file(path, content);
      if (rest[0] == "-z") holds = rest[1].empty();
      if (rest[0] == "-n") holds = !rest[1].empty();
    } else if (rest.size() == 3) {
      const int64_t a = number_of(rest[0]).value_or(0), b = number_of(rest[2]).value_or(0);
      if (rest[1] == "=" || rest[1] == "==") holds = rest[0] == rest[2];
      if (rest[1] == "!=") holds = rest[0] != rest[2];
      if (rest[1] == "-eq") holds = a == b;
      if (rest[1] == "-lt") holds = a < b;
      if (rest[1] == "-gt") holds = a > b;
    }
    return ended(holds != negated ? 0 : 1);
  }

  static Outcome tar(Shell& shell, const Words& words, const std::string& input) {
    bool create = false, extract = false;
    std::string file = "-", directory = shell.directory_;
    Words names;
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::string& word = words[i];
      if (word.starts_with("--")) continue;
      const bool flags = (i == 1 && word.find('/') == std::string::npos) ||
                         (word.size() > 1 && word.starts_with('-'));
      if (!flags) {
        names.push_back(word);
        continue;
      }
      create = create || word.find('c') != std::string::npos;
      extract = extract || word.find('x') != std::string::npos;
      if (word.find('f') != std::string::npos && i + 1 < words.size()) file = words[++i];
      if (word.ends_with('C') && i + 1 < words.size()) directory = shell.path(words[++i]);
    }
    if (create == extract) return failed("tar: must specify one of -c, -x\n");
    if (create) {
      std::string archive;
      Outcome outcome;
      for (const std::string& name : names) {
        if (archive.size() > Shell::kOutputMax) break;
        const std::string root = ContainerFiles::absolute(directory, name);
        std::string content;
        const auto as_named = [&](const std::string& path) {
          std::string shown = path.substr(1);
          if (!name.starts_with('/') && directory != "/") shown = path.substr(directory.size() + 1);
          return shown;
        };
        if (shell.files_.is_directory(root)) {
          if (root != "/") add_to_tar(archive, as_named(root) + "/", {}, shell.now_, true);
          for (const std::string& path : shell.files_.below(root)) {
            add_to_tar(archive, as_named(path), *shell.files_.read(path), shell.now_);
          }
        } else if (shell.read_file(root, content)) {
          add_to_tar(archive, as_named(root), content, shell.now_);
        } else {
          outcome.complain("tar: " + name + ": No such file or directory\n");
          outcome.complain("tar: error exit delayed from previous errors\n");
          outcome.code = 1;
        }
      }
      end_tar(archive);
      outcome.print(std::move(archive));
      return outcome;
    }
    std::string archive = input;
    if (file != "-" && !shell.read_file(shell.path(file), archive)) {
      return failed("tar: can't open '" + file + "': No such file or directory\n");
    }
    bool room = true;
    const bool read = read_tar(archive, [&](std::string name, bool is_directory, std::string_view content) {
      const std::string path = ContainerFiles::absolute(directory, name);
      room = room && (is_directory ? shell.files_.make_directory(path)
                                   : shell.files_.write(path, std::string(content)));
    });
    if (!read) return failed("tar: invalid tar magic\n");
    return room ? ended(0) : failed("tar: No space left on device\n");
  }

  // curl and wget, of what listens in the same pod.
  static Outcome fetch(Shell& shell, const Words& words, const std::string&) {
    const Words rest = operands(words);
    if (rest.empty()) return failed(words[0] + ": no URL specified\n", 2);
    std::string url = rest.back();
    if (const std::size_t scheme = url.find("://"); scheme != std::string::npos) url.erase(0, scheme + 3);
    const std::size_t slash = std::min(url.find('/'), url.size());
    std::string host = url.substr(0, slash);
    const std::string target = slash < url.size() ? url.substr(slash) : "/";
    int64_t port = 80;
    if (const std::size_t colon = host.find(':'); colon != std::string::npos) {
      port = number_of(host.substr(colon + 1)).value_or(0);
      host.resize(colon);
    }
    const bool here = host == "localhost" || host == "127.0.0.1" || host == shell.inside_.ip ||
                      host == shell.inside_.hostname;
    if (!here) return failed(words[0] + ": (6) Could not resolve host: " + host + "\n", 6);
    if (std::ranges::find(shell.inside_.ports, port) == shell.inside_.ports.end()) {
      return failed(words[0] + ": (7) Failed to connect to " + host + " port " + std::to_string(port) +
                        ": Connection refused\n", 7);
    }
    return printed(page_text(shell.inside_, target));
  }
};

Command find_command(std::string_view name) {
  static constexpr std::pair<std::string_view, Command> kCommands[] = {
      {"[", Commands::test},           {"agnhost", agnhost},
      {"agnhost-2", agnhost},          {"cat", Commands::cat},
      {"cd", Commands::change_directory}, {"curl", Commands::fetch},
      {"date", Commands::date},        {"echo", Commands::echo},
      {"env", Commands::env},          {"exit", Commands::leave},
      {"export", Commands::set_variable}, {"false", Commands::no},
      {"grep", Commands::grep},        {"head", Commands::ends},
      {"hostname", Commands::hostname}, {"id", Commands::id},
      {"ip", Commands::ip},
      {"ls", Commands::ls},            {"mkdir", Commands::make_directories},
      {"printenv", Commands::env},     {"printf", Commands::print_format},
      {"pwd", Commands::pwd},          {"rm", Commands::remove},
      {"sleep", Commands::sleep},      {"tail", Commands::ends},
      {"tar", Commands::tar},          {"test", Commands::test},
      {"touch", Commands::touch},      {"true", Commands::yes},
      {":", Commands::yes},            {"uname", Commands::uname},
      {"wc", Commands::wc},            {"wget", Commands::fetch},
      {"whoami", Commands::whoami},
  };
  for (const auto& [known, command] : kCommands) {
    if (known == name) return command;
  }
  return nullptr;
}

}  // namespace keelson::sim
