// What `keelson status` prints: a verdict, then sections of lines, those with a "!" being what is
// wrong.
#pragma once

#include <string>
#include <vector>

namespace keelson::cli {

class StatusReport {
 public:
  // What is said from here on stands under this title.
  void section(std::string title);
  // A fact that is as it should be, or may be.
  void fact(std::string line);
  // Something wrong. `brief` is what the verdict says of it: "1 node is not Ready".
  void wrong(std::string brief, std::string line);
  // More lines to the wrong thing before, also marked.
  void more_wrong(std::string line);

  bool well() const { return briefs_.empty(); }
  // `all_well`: the verdict if nothing is wrong.
  std::string text(const std::string& all_well) const;

 private:
  struct Section {
    std::string title;
    std::vector<std::string> lines;
  };
  void line(std::string text);

  std::vector<Section> sections_;
  std::vector<std::string> briefs_;
};

// "1 pod", "2 pods"
std::string counted(std::size_t count, const std::string& one);

}  // namespace keelson::cli
