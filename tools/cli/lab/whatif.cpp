// `keelson whatif`: what would happen to a cluster, from a dump of it.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

#include "core/scheduler/config/configuration.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "sim/lab/policies.hpp"
#include "sim/lab/readers/dump.hpp"
#include "sim/lab/whatif.hpp"
#include "tools/cli/commands.hpp"

namespace keelson::cli {

namespace {

constexpr const char* kUsage =
    "Usage: keelson whatif --cluster DUMP CHANGE... [--policy NAME | --scheduler-config FILE] "
    "[-o json]\n"
    "\n"
    "Says where pods would go, which would stay pending and why, and which disruption budgets "
    "would\n"
    "bite. Nothing is changed. DUMP is what\n"
    "  kubectl get nodes,pods,pdb,priorityclasses,services,rs,deployments -A -o yaml\n"
    "prints (-o json, too, also compressed by gzip).\n"
    "\n"
    "Changes, all of them together:\n"
    "  --drain NODE                       cordon it, and evict as the budgets allow; daemons stay\n"
    "    --force, --delete-emptydir-data  also pods that nobody makes again, or with emptyDirs: kubectl\n"
    "                                     drain refuses a node that has some, and so does this\n"
    "  --add-nodes N [--like NODE]        nodes like an existing one, with its daemons\n"
    "  --remove-node NODE                 it is gone, with what is on it\n"
    "  --fail ZONE                        all nodes of the zone are gone\n"
    "  --image-change deployment/web=web:v2    a rolling update; NAMESPACE/deployment/web for\n"
    "                                     other namespaces, deployment/web/CONTAINER=... for one\n"
    "                                     container of several\n"
    "  --scale deployment/web=20\n"
    "\n"
    "  --policy NAME                      a policy of the laboratory, or a file as the next; default:\n"
    "                                     the scheduler's. It decides for default-scheduler's pods\n"
    "  --scheduler-config FILE            a KubeSchedulerConfiguration: spec.schedulerName says which of\n"
    "                                     its profiles decides. Extenders cannot be asked\n"
    "  -o json                            for programs\n"
    "\n"
    "Exit code: 0 all that had a place has one, 1 something has none or a node is not "
    "drained, 2\n"
    "bad usage or input.\n";

int refuse(const std::string& message) {
  std::fprintf(stderr, "keelson whatif: %s\n", message.c_str());
  return 2;
}

struct Options {
  std::string cluster, policy, config, like;
  std::vector<lab::Change> changes;
  bool force = false, delete_emptydir_data = false;
  bool json = false, help = false;
};

Status take(Options& options, std::string_view name, const std::string& value) {
  using Kind = lab::Change::Kind;
  const auto change = [&](Kind kind) {
    options.changes.push_back({.kind = kind, .target = value});
  };
  if (name == "--cluster") {
    options.cluster = value;
  } else if (name == "--policy") {
    options.policy = value;
  } else if (name == "--scheduler-config") {
    options.config = value;
  } else if (name == "--like") {
    options.like = value;
  } else if (name == "--drain") {
    change(Kind::drain);
  } else if (name == "--remove-node") {
    change(Kind::remove_node);
  } else if (name == "--fail") {
    change(Kind::fail);
  } else if (name == "--scale" || name == "--image-change") {
    auto parsed = name == "--scale" ? lab::parse_scale(value) : lab::parse_image(value);
    if (!parsed) return {Code::invalid, std::string(name) + ": " + parsed.error().message};
    options.changes.push_back(std::move(*parsed));
  } else if (name == "--add-nodes") {
    int64_t count = 0;
    for (const char c : value)
      count = c < '0' || c > '9' || count > 10'000 ? -1'000'000 : count * 10 + (c - '0');
    if (count < 1 || count > 10'000) {
      return {Code::invalid, "--add-nodes: expected a number from 1 to 10000, not " + value};
    }
    options.changes.push_back({.kind = Kind::add_nodes, .count = count});
  } else if (name == "-o") {
    if (value != "json") return {Code::invalid, "-o: expected json, not " + value};
    options.json = true;
  } else {
    return {Code::invalid, "unknown option " + std::string(name) + "; --help shows what there is"};
  }
  return {};
}

Result<Options> read(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i], value;
    if (name == "--help" || name == "-h") {
      options.help = true;
      return options;
    }
    if (name == "--force" || name == "--delete-emptydir-data") {
      (name == "--force" ? options.force : options.delete_emptydir_data) = true;
      continue;
    }
    const std::size_t equals = name.find('=');
    if (name.starts_with("--") && equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    } else if (i + 1 < argc && name.starts_with("-")) {
      value = argv[++i];
    }
    if (name.starts_with("-") && value.empty())
      return Error{Code::invalid, name + " needs a value"};
    if (Status taken = take(options, name, value); !taken.ok()) return taken.error();
  }
  if (options.cluster.empty()) return Error{Code::invalid, "--cluster: which dump?"};
  if (options.changes.empty())
    return Error{Code::invalid, "what would be changed? --help shows what can be"};
  if (!options.policy.empty() && !options.config.empty())
    return Error{Code::invalid, "--scheduler-config: either this or --policy"};
  bool adds = false, drains = false;
  for (const lab::Change& change : options.changes)
    drains = drains || change.kind == lab::Change::Kind::drain;
  if (!drains && (options.force || options.delete_emptydir_data))
    return Error{Code::invalid, "--force and --delete-emptydir-data: of which --drain?"};
  for (lab::Change& change : options.changes) {
    if (change.kind != lab::Change::Kind::add_nodes) continue;
    change.target = options.like;
    adds = true;
  }
  if (!adds && !options.like.empty()) return Error{Code::invalid, "--like: of which --add-nodes?"};
  return options;
}

// Columns as wide as their widest entry, two blanks between them.
void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line = "  ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i + 1 == row.size() ? row[i] : fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    std::printf("%s\n", line.c_str());
  }
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

void print_moves(const char* title, const std::vector<lab::Moved>& all, bool targets) {
  if (all.empty()) return;
  std::printf("%s (%zu)\n", title, all.size());
  std::vector<std::vector<std::string>> rows{{"NAMESPACE", "POD", "FROM"}};
  if (targets) rows[0].push_back("TO");
  rows[0].push_back("WHY");
  for (const lab::Moved& one : all) {
    rows.push_back({one.ns, one.pod, or_dash(one.from)});
    if (targets) rows.back().push_back(one.to);
    rows.back().push_back(one.message.empty() ? one.why : one.why + ": " + one.message);
  }
  print_table(rows);
  std::printf("\n");
}

void print_budgets(const lab::WhatIf& result) {
  if (result.budgets.empty()) return;
  std::printf("Disruption budgets\n");
  std::vector<std::vector<std::string>> rows{
      {"NAMESPACE", "NAME", "ALLOWED", "EVICTED", "WAITED", "BLOCKED"}};
  for (const lab::BudgetUse& budget : result.budgets) {
    std::string blocked;
    for (const std::string& pod : budget.blocks) blocked += (blocked.empty() ? "" : ", ") + pod;
    rows.push_back({budget.ns, budget.name, std::to_string(budget.allowed),
                    std::to_string(budget.evicted), std::to_string(budget.waited),
                    or_dash(blocked)});
  }
  print_table(rows);
  std::printf("\n");
}

void print_broken(const lab::WhatIf& result) {
  if (result.broken.empty()) return;
  std::printf("Disruption budgets broken by the loss of nodes, until what was lost runs again\n");
  std::vector<std::vector<std::string>> rows{{"NAMESPACE", "NAME", "LOST", "HEALTHY", "DESIRED"}};
  for (const lab::BudgetBreach& breach : result.broken) {
    rows.push_back({breach.ns, breach.name, std::to_string(breach.lost),
                    std::to_string(std::max<int64_t>(breach.healthy, 0)), std::to_string(breach.desired)});
  }
  print_table(rows);
  std::printf("\n");
}

void print_refused(const lab::WhatIf& result) {
  if (result.refused.empty()) return;
  std::printf("kubectl drain would refuse\n");
  std::vector<std::vector<std::string>> rows{{"NODE", "NAMESPACE", "POD", "WHY"}};
  for (const lab::Refusal& refusal : result.refused) {
    rows.push_back({refusal.node, refusal.ns, refusal.pod, refusal.why});
  }
  print_table(rows);
  std::printf("\n");
}

void print_usage(const lab::WhatIf& result) {
  std::printf("Allocation\n");
  std::vector<std::vector<std::string>> rows{{"", "NODES", "PODS", "CPU", "MEMORY"}};
  const bool gpus = result.before.gpu >= 0 || result.after.gpu >= 0;
  if (gpus) rows[0].push_back("GPU");
  const auto add = [&](const char* when, const lab::Usage& usage) {
    rows.push_back({when, std::to_string(usage.nodes), std::to_string(usage.pods),
                    fmt::format("{:.1f}%", usage.cpu), fmt::format("{:.1f}%", usage.memory)});
    if (gpus) rows.back().push_back(usage.gpu < 0 ? "-" : fmt::format("{:.1f}%", usage.gpu));
  };
  add("before", result.before);
  add("after", result.after);
  print_table(rows);
}

// One for each profile of a configuration.
Result<lab::WhatIfOptions> configured(const std::string& flag, const std::string& file) {
  std::ifstream input(file, std::ios::binary);
  if (!input) return Error{Code::invalid, flag + ": " + file + ": cannot be read"};
  const std::string text(std::istreambuf_iterator<char>(input), {});
  const auto config = scheduler::parse_configuration(text, file, scheduler::default_plugins());
  if (!config) return Error{Code::invalid, flag + ": " + config.error().message};
  const Status without = scheduler::refuse_extenders(*config, text, file, "cannot be asked what they would say");
  if (!without) return Error{Code::invalid, flag + ": " + without.error().message};
  for (const std::string& note : config->notes)
    std::fprintf(stderr, "keelson whatif: %s: %s\n", file.c_str(), note.c_str());
  lab::WhatIfOptions options;
  for (const scheduler::ProfileConfig& profile : config->profiles) {
    options.schedulers.push_back(
        {profile.scheduler_name, {profile.scheduler_name, file, profile.options}});
  }
  return options;
}

Result<lab::WhatIfOptions> schedulers_of(const Options& options) {
  if (!options.config.empty()) return configured("--scheduler-config", options.config);
  const std::string name = options.policy.empty() ? "default" : options.policy;
  if (const lab::Policy* policy = lab::find_policy(name)) {
    lab::WhatIfOptions one;
    one.schedulers.push_back({.policy = *policy});
    return one;
  }
  if (std::filesystem::is_regular_file(name)) return configured("--policy", name);
  return Error{Code::invalid, "--policy: there is no policy " + name + ", and no such file"};
}

}  // namespace

int whatif(int argc, char** argv) {
  const auto options = read(argc, argv);
  if (!options) return refuse(options.error().message);
  if (options->help) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  auto what = schedulers_of(*options);
  if (!what) return refuse(what.error().message);
  what->force = options->force;
  what->delete_emptydir_data = options->delete_emptydir_data;
  const auto dump = lab::read_dump(options->cluster);
  if (!dump) return refuse(dump.error().message);
  const auto result = lab::what_if(*dump, *what, options->changes);
  if (!result) return refuse(result.error().message);
  if (options->json) {
    std::printf("%s\n", lab::to_json(*result).c_str());
    return result->fits() ? 0 : 1;
  }
  print_moves("Would move or start", result->moved, true);
  print_moves("Would stay pending", result->pending, false);
  print_moves("Would be gone", result->gone, false);
  print_budgets(*result);
  print_broken(*result);
  print_refused(*result);
  for (const std::string& node : result->undrained) {
    std::printf("Node %s would not be drained: its budgets forbid it.\n", node.c_str());
  }
  print_usage(*result);
  return result->fits() ? 0 : 1;
}

}  // namespace keelson::cli
