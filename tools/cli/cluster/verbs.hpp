// The cluster verbs. Each family has a file; a verb is its words, its flags and a function.
#pragma once

#include <string>
#include <vector>

#include "tools/cli/cluster/flags.hpp"
#include "tools/cli/cluster/session.hpp"

namespace keelson::cli {

struct Verb {
  const char* name;   // "get", "rollout status"
  const char* usage;  // what follows it: "TYPE/NAME"
  const char* what;   // one line for the list of verbs
  std::vector<FlagSpec> flags;
  Status (*run)(Session& session);
  const char* examples = "";
};

std::vector<Verb> get_verbs();
std::vector<Verb> describe_verbs();
std::vector<Verb> create_verbs();
std::vector<Verb> run_verbs();
std::vector<Verb> apply_verbs();
std::vector<Verb> delete_verbs();
std::vector<Verb> expose_verbs();
std::vector<Verb> scale_verbs();
std::vector<Verb> set_verbs();
std::vector<Verb> rollout_verbs();
std::vector<Verb> logs_verbs();
std::vector<Verb> exec_verbs();
std::vector<Verb> port_forward_verbs();
std::vector<Verb> label_verbs();
std::vector<Verb> taint_verbs();
std::vector<Verb> drain_verbs();
std::vector<Verb> top_verbs();
std::vector<Verb> explain_verbs();
std::vector<Verb> events_verbs();
std::vector<Verb> wait_verbs();
std::vector<Verb> info_verbs();
std::vector<Verb> auth_verbs();
std::vector<Verb> config_verbs();
std::vector<Verb> completion_verbs();
std::vector<Verb> simulation_verbs();

// All of them, as help and completion list them.
const std::vector<Verb>& all_verbs();
// The flags that every verb takes.
const std::vector<FlagSpec>& global_flags();

// The verb whose words `words` begin with (flags that stand before it are moved behind it); null if
// there is none.
const Verb* find_verb(std::vector<std::string>& words);

// Parses, runs and prints what went wrong; returns the exit code. The last two steps of every
// invocation, and all that tests need.
int run_verb(const Verb& verb, const Flags& flags, const ConnectionFlags& connection,
             const Json& kubeconfig, const std::string& ns, Api& api, Console& io);

// What the global flags say. Where a verb has a flag of the same name (create rolebinding --user),
// that one is the verb's.
ConnectionFlags connection_flags(const Verb& verb, const Flags& flags);

}  // namespace keelson::cli
