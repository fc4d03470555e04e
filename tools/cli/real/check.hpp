// `keelson real check`, and the same for those who have played a cluster themselves.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "sim/checks/recorded.hpp"

namespace keelson::real {

// Writes a record into a directory: what the store at `address` has kept, a copy of each journal (a path by
// the name of its node), and further lines.
Status record_cluster(const std::string& directory, const std::string& address,
                      const std::map<std::string, std::string>& journals, const std::string& lines);

// Writes texts, by their names without .jsonl, where nobody else reads them.
Status save_record(const std::string& directory, const std::map<std::string, std::string>& files);

// Judges what record_cluster() has written. Code::invalid: a line that is none.
Result<sim::Judgement> judge_directory(const std::string& directory, Duration skew = {});

// For people: verdict, violations, what was judged how often, and what was not, with the reason.
std::string text_of(const sim::Judgement& judgement);
// For machines.
std::string json_of(const sim::Judgement& judgement);

}  // namespace keelson::real
