// Sessions of a user as text files: commands and what they must print.
//
//   # a comment
//   $ kubectl create deployment kel --image=nginx:1.7.9
//   deployment.apps/kel created
//   $~ kubectl get pods              tried again for up to 30 s until it prints this
//   NAME   READY   STATUS   RESTARTS   AGE
//   kel-…   1/1   Running   0   …      … stands for any text, runs of blanks are all alike
//   [exit 1]                         the exit code, where it is not 0
//   [1.27..]  [..1.26]               on a line before a command: only for these versions of kubectl
//
// A line of … alone stands for any number of lines. Commands run in $HOME, which is the client's own;
// empty lines count nowhere.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace keelson::e2e {

struct Step {
  int line = 0;
  std::string command;
  std::vector<std::string> expected;
  int exit_code = 0;
  bool patient = false;
  int first_version = 0, last_version = 9999;  // minor versions
};

std::vector<Step> read_transcript(const std::string& path);
// Empty: it is as expected; else what is not.
std::string compare(const Step& step, int exit_code, const std::string& output);
// Runs all steps; each difference is a test failure that names the file and line.
void play(const std::string& path, const std::map<std::string, std::string>& environment,
          int kubectl_minor);

}  // namespace keelson::e2e
