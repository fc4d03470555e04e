#include "tools/cli/real/check.hpp"

#include <boost/json.hpp>
#include <cstdio>
#include <cxxopts.hpp>

#include "core/api/object.hpp"
#include "runtime/pki/files.hpp"
#include "sim/scenario/reader.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/prepare.hpp"
#include "tools/cli/real/record_files.hpp"
#include "tools/cli/real/store_log.hpp"

namespace keelson::real {

namespace json = boost::json;

// A cluster's whole state is nobody else's business.
Status save_record(const std::string& directory, const std::map<std::string, std::string>& files) {
  if (Status made = runtime::make_private_directory(directory); !made) return made;
  for (const auto& [name, text] : files) {
    if (Status status = runtime::write_private_file(directory + "/" + name + ".jsonl", text); !status) return status;
  }
  return {};
}

Status record_cluster(const std::string& directory, const std::string& address,
                      const std::map<std::string, std::string>& journals, const std::string& lines) {
  const auto parsed = redis::parse_address(address);
  if (!parsed) return parsed.error();
  auto log = read_store(*parsed);
  if (!log) return log.error();
  std::map<std::string, std::string> files{{"store", std::move(*log)}};
  for (const auto& [node, path] : journals) {
    auto text = journal_text(path);
    if (!text) return text.error();
    files["containers-" + node] = std::move(*text);
  }
  if (!lines.empty()) files["world"] = lines;
  return save_record(directory, files);
}

Result<sim::Judgement> judge_directory(const std::string& directory, Duration skew) {
  RecordReader reader;
  if (Status status = reader.read_directory(directory); !status) return status.error();
  sim::Record record = reader.take();
  record.skew = skew;
  return sim::judge(std::move(record));
}

namespace {

std::string column(std::string_view id) {
  std::string head = "  " + std::string(id);
  head.resize(std::max<std::size_t>(head.size(), 10), ' ');
  return head;
}

}  // namespace

std::string text_of(const sim::Judgement& judgement) {
  std::string text;
  const auto add = [&](const std::string& line) { text += line + '\n'; };
  uint64_t evaluations = 0;
  for (const auto& one : judgement.judged) evaluations += one.evaluations;
  add((judgement.empty() ? "NOTHING TO JUDGE: " : judgement.held() ? "HELD: " : "VIOLATED: ") + std::to_string(judgement.writes) + " writes, " +
      std::to_string(judgement.containers) + " containers, " + std::to_string(evaluations) + " evaluations");
  for (const sim::Violation& violation : judgement.violations) {
    add("  " + violation.invariant + " at revision " + api::to_string(violation.revision) + ": " +
        violation.what);
    if (!violation.decision.empty()) add("      " + violation.decision);
  }
  for (const sim::Pending& one : judgement.pending) {
    add("  " + one.invariant + ": in the end " + one.object + " " + one.why);
  }
  add("Judged, and how often");
  for (const auto& one : judgement.judged) {
    if (one.evaluations == 0) continue;
    add(column(one.id) + std::to_string(one.evaluations) + "\t" + std::string(one.statement));
  }
  add("Nothing to judge: what these are about did not happen");
  for (const auto& one : judgement.judged) {
    if (one.evaluations == 0) add(column(one.id) + std::string(one.statement));
  }
  add("Not applicable");
  for (const auto& one : judgement.not_applicable) {
    add(column(one.id) + std::string(one.why));
  }
  return text;
}

std::string json_of(const sim::Judgement& judgement) {
  json::array violations, pending, judged, idle, left;
  for (const auto& one : judgement.violations) {
    violations.push_back(json::object{{"invariant", one.invariant},
                                      {"revision", api::to_string(one.revision)},
                                      {"what", one.what},
                                      {"decision", one.decision}});
  }
  for (const auto& one : judgement.pending) {
    pending.push_back(json::object{{"invariant", one.invariant}, {"object", one.object}, {"why", one.why}});
  }
  for (const auto& one : judgement.judged) {
    if (one.evaluations == 0) {
      idle.push_back(json::string(one.id));
    } else {
      judged.push_back(json::object{{"invariant", one.id}, {"evaluations", one.evaluations}});
    }
  }
  for (const auto& one : judgement.not_applicable) {
    left.push_back(json::object{{"invariant", one.id}, {"why", one.why}});
  }
  return json::serialize(json::object{{"held", judgement.held()},
                                      {"writes", judgement.writes},
                                      {"containers", judgement.containers},
                                      {"violations", std::move(violations)},
                                      {"pending", std::move(pending)},
                                      {"judged", std::move(judged)},
                                      {"nothingToJudge", std::move(idle)},
                                      {"notApplicable", std::move(left)}}) +
         '\n';
}

}  // namespace keelson::real

namespace keelson::cli {

namespace {

cxxopts::Options make_parser() {
  cxxopts::Options parser(
      "keelson real check",
      "Judges the history of a real cluster by the invariants of the simulator: of a recorded directory\n"
      "(keelson real run --record, or --save here), or of a live store and the journals of its nodes.\n"
      "Journals are read as files: fetch them from each node, as root. The store is read by its address, with\n"
      "the user and the password of the control plane's configuration if it names some.\n"
      "Exit code: 0 all held, 1 a violation, 2 bad usage, 3 nothing could be read, or nothing is in it.\n");
  auto add = parser.add_options();
  add("store", "the store of a running cluster: unix:/path, redis://host:port",
      cxxopts::value<std::string>()->default_value(""), "ADDRESS");
  add("user", "the store's ACL user", cxxopts::value<std::string>()->default_value(""), "NAME");
  add("password-file", "the file with that user's password", cxxopts::value<std::string>()->default_value(""), "FILE");
  add("journal", "a node's journal, its containers.jsonl, or any other lines of a record (repeatable)",
      cxxopts::value<std::vector<std::string>>(), "FILE");
  add("save", "keep what was read in this directory", cxxopts::value<std::string>()->default_value(""), "DIR");
  add("skew", "by how much the clocks of the machines may differ (default: 0s, for hosts on one machine)",
      cxxopts::value<std::string>()->default_value("0s"), "TIME");
  add("json", "for machines");
  add("directory", "", cxxopts::value<std::string>());
  add("h,help", "show this");
  parser.parse_positional({"directory"});
  parser.positional_help("[DIR]");
  return parser;
}

int complain(const std::string& why, int code = kBadUsage) {
  std::fprintf(stderr, "keelson real check: %s\n", why.c_str());
  return code;
}

int check(const cxxopts::ParseResult& args) {
  const bool recorded = args.count("directory") > 0;
  const std::string store = args["store"].as<std::string>();
  if (recorded != store.empty()) return complain("a directory, or --store ADDRESS: one of the two");
  if (!args.unmatched().empty()) return complain("unexpected argument \"" + args.unmatched()[0] + "\"");
  const auto skew = sim::parse_duration(args["skew"].as<std::string>());
  if (!skew) return complain("--skew: " + skew.error().message);
  real::RecordReader reader;
  if (recorded) {
    if (const Status read = reader.read_directory(args["directory"].as<std::string>()); !read) {
      return complain(read.message(), 3);
    }
  } else {
    auto address = redis::parse_address(store);
    if (!address) return complain("--store: " + address.error().message);
    if (const std::string user = args["user"].as<std::string>(); !user.empty()) address->user = user;
    if (const std::string file = args["password-file"].as<std::string>(); !file.empty()) {
      auto password = runtime::read_file(file);
      if (!password) return complain("--password-file: " + password.error().message, 3);
      while (!password->empty() && (password->back() == '\n' || password->back() == '\r')) password->pop_back();
      address->password = std::move(*password);
    }
    auto log = real::read_store(*address);
    if (!log) return complain(log.error().message, 3);
    if (const Status read = reader.read(*log, address->shown()); !read) return complain(read.message(), 3);
    std::map<std::string, std::string> files{{"store", std::move(*log)}};
    if (args.count("journal")) {
      for (const std::string& path : args["journal"].as<std::vector<std::string>>()) {
        auto text = real::journal_text(path);
        if (!text) return complain(text.error().message, 3);
        if (const Status read = reader.read(*text, path); !read) return complain(read.message(), 3);
        files["journal-" + std::to_string(files.size())] = std::move(*text);
      }
    }
    if (const std::string dir = args["save"].as<std::string>(); !dir.empty()) {
      if (const Status saved = real::save_record(dir, files); !saved) return complain(saved.message(), 3);
    }
  }
  sim::Record record = reader.take();
  record.skew = *skew;
  const sim::Judgement judgement = sim::judge(std::move(record));
  std::fputs((args.count("json") ? real::json_of(judgement) : real::text_of(judgement)).c_str(), stdout);
  return judgement.empty() ? 3 : judgement.held() ? 0 : 1;
}

}  // namespace

int real_check(int argc, char** argv) {
  cxxopts::Options parser = make_parser();
  try {
    const auto args = parser.parse(argc, argv);
    if (args.count("help")) {
      std::fputs(parser.help().c_str(), stdout);
      return 0;
    }
    return check(args);
  } catch (const cxxopts::exceptions::exception& e) {
    return complain(e.what());
  }
}

}  // namespace keelson::cli
