// The results of a study as JSON: what `keelson sim compare --json` writes, what parts are merged
// from and what workers send.
//
//   {"schema": "keelson-study", "version": 1,
//    "plan": {"name", "description", "command", "workload",  texts
//             "inputs": 16 hexadecimal digits, "seeds": [first, last],
//             "variants": [{"label", "policy", "source", "settings": {"NAME": "value"},
//                  "notes": what the policy's file asks for without an effect; absent: nothing}]},
//    "complete": whether all runs are there, "hash": over all runs' hashes,
//    "comparison": [{"metric", "unit", "better": "higher"|"lower"|"neither",
//      "variants": [{"variant": its index, "n", "mean", "median", "deviation",
//                    "margin95": half the confidence interval's width; absent for n < 2,
//                    "baseline": index of the variant it is compared with,
//                    "difference": {n, mean, ... as above, of the paired differences from it,
//                                   "constant": whether each seed has the same,
//                                   "pStudent", "pWilcoxon", "pHolm": absent where there is no
//                                   test}}]}],
//    "runs": [{"run": its number, as study.hpp counts, "hash",
//              "metrics": [{"name", "unit", "better", "value"}],
//              "series": [{"name", "unit", "over": "load"|"time", "x": [], "y": []}],
//              "distributions": [{"name", "unit", "values": sorted}],
//              "nodes": [{"node", "cpu", "memory", "gpu": shares 0..1; no gpu: it has none}]}]}
//
// Numbers have 12 significant digits; one that is none (a mean of nothing) is null. Unknown fields
// are ignored when reading; a version is raised when a field changes its meaning.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "sim/lab/study.hpp"

namespace keelson::lab {

inline constexpr const char* kResultsSchema = "keelson-study";
inline constexpr int kResultsVersion = 1;

// All of it: the plan, every run's raw values, and the statistics. Ends in a line break.
std::string to_json(const Study& study);
// One run, on one line without a line break.
std::string to_json(const StudyRun& run);
// A table for a spreadsheet: a line per run and metric (variant, seed, metric, unit, value).
std::string to_csv(const Study& study);

// Errors (Code::invalid) say what is wrong, not in which file. Statistics are not read but
// computed.
Result<Study> read_study(std::string_view json);
Result<StudyRun> read_run(std::string_view json);

}  // namespace keelson::lab
