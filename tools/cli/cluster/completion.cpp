// completion: scripts for shells. They ask the command itself (`keelson __complete WORDS...`) at
// every Tab, so that they know all verbs, flags, types and names without being written again.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

constexpr const char* kBash =
    R"shell(# bash completion for keelson: source <(keelson completion bash)
_keelson() {
  local IFS=$'\n'
  local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=($(compgen -W "$(keelson __complete "${words[@]}" 2>/dev/null | cut -f1)" -- "${COMP_WORDS[COMP_CWORD]}"))
  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace
}
complete -o default -F _keelson keelson
)shell";

constexpr const char* kZsh = R"shell(#compdef keelson
# zsh completion for keelson: source <(keelson completion zsh)
_keelson() {
  local -a lines
  lines=("${(@f)$(keelson __complete "${(@)words[2,CURRENT]}" 2>/dev/null | sed -e 's/:/\\:/g' -e 's/\t/:/')}")
  [[ -n "${lines[1]}" ]] && _describe keelson lines || _files
}
compdef _keelson keelson
)shell";

constexpr const char* kFish =
    R"shell(# fish completion for keelson: keelson completion fish | source
function __keelson_complete
  set -l words (commandline -opc) (commandline -ct)
  keelson __complete $words[2..-1] 2>/dev/null
end
complete -c keelson -f -a '(__keelson_complete)'
)shell";

Status completion(Session& session) {
  const auto& args = session.flags.args();
  const std::string shell = args.empty() ? "" : args[0];
  if (shell == "bash") {
    session.io.out(kBash);
  } else if (shell == "zsh") {
    session.io.out(kZsh);
  } else if (shell == "fish") {
    session.io.out(kFish);
  } else {
    return usage_error(shell.empty() ? "Shell not specified: bash, zsh or fish"
                                     : fmt::format("Unsupported shell type \"{}\".", shell));
  }
  return {};
}

void offer(Session& session, std::set<std::string>& seen, std::string_view begins,
           std::string_view word, std::string_view what = {}) {
  if (!word.starts_with(begins) || !seen.insert(std::string(word)).second) return;
  session.io.out(what.empty() ? fmt::format("{}\n", word) : fmt::format("{}\t{}\n", word, what));
}

// What may stand where the last of the words stands.
Status complete(Session& session) {
  std::vector<std::string> words = session.flags.tail();
  const std::string last = words.empty() ? "" : words.back();
  if (!words.empty()) words.pop_back();
  std::set<std::string> seen;
  std::vector<std::string> rest = words;
  const Verb* verb = find_verb(rest);
  if (last.starts_with("-")) {
    for (const auto* list : {verb ? &verb->flags : nullptr, &global_flags()}) {
      if (!list) continue;
      for (const FlagSpec& spec : *list)
        offer(session, seen, last, "--" + flag_names(spec).second, spec.help);
    }
    return {};
  }
  // The next word of a verb's name.
  std::string prefix;
  for (const std::string& word : words) prefix += word + " ";
  for (const Verb& one : all_verbs()) {
    const std::string name = one.name;
    if (!name.starts_with(prefix) || name.starts_with("__")) continue;
    const std::string next =
        name.substr(prefix.size(), name.find(' ', prefix.size()) - prefix.size());
    const bool whole = prefix.size() + next.size() == name.size();
    offer(session, seen, last, next, whole ? one.what : "");
  }
  if (!verb || !seen.empty()) return {};
  if (words.size() > 1 && (words.back() == "-n" || words.back() == "--namespace"))
    rest = {"namespaces"};
  std::erase_if(rest, [](const std::string& word) { return word.starts_with('-'); });
  const std::string name = verb->name;
  const bool of_pods =
      name == "logs" || name == "exec" || name == "attach" || name == "port-forward";
  const bool of_nodes = name == "cordon" || name == "uncordon" || name == "drain";
  if (of_pods || of_nodes) rest = {of_pods ? "pods" : "nodes"};
  const auto known = session.discovery();
  if (!known) return {};
  const auto slash = last.find('/');
  if (rest.empty() && slash == std::string::npos) {
    for (const Resource& type : (*known)->all()) offer(session, seen, last, type.plural);
    if (name == "get") offer(session, seen, last, "all");
    return {};
  }
  auto type = (*known)->resolve(rest.empty() ? last.substr(0, slash) : rest[0]);
  if (!type) return {};
  auto list = session.list(type->path(session.ns), "");
  if (!list) return {};
  const std::string before = rest.empty() ? last.substr(0, slash + 1) : "";
  for (const Json& item : list_at(*list, "items"))
    offer(session, seen, last, before + text_at(item, "metadata.name"));
  return {};
}

}  // namespace

std::vector<Verb> completion_verbs() {
  return {{"completion",
           "bash | zsh | fish",
           "a script for the shell",
           {},
           completion,
           "  source <(keelson completion bash)\n"},
          {"__complete", "", "", {}, complete}};
}

}  // namespace keelson::cli
