// The record of a real cluster as files with a JSON object on each line, so that it can be kept, read, and
// changed with an editor. A directory holds any number of *.jsonl; what a line is, its members say:
//
//   {"store":"keelson","whole":true,"at":"..."}            where the log begins, and when reading it began
//   {"hashes":"204"}                                       so many entries are what their hashes say
//   {"found":{...},"revision":"12"}                        an object that was there before it
//   {"revision":"204","epoch":"1","op":"put","kind":"pods","name":"default/web-1","object":{...},
//    "by":"scheduler-h1 at=1764...","left":"0"}            an entry of the store's log
//   {"beat":"..."}                                         a heartbeat, as the store keeps it
//   {"damage":"..."}                                       what was wrong with the log when it was read
//   {"at":"...","id":...}, {"at":"...","agent":...}, ...   an agent's journal (runtime/process/journal.hpp)
//   {"at":"...","machine":"h2","powered":false,"reachable":false}
//   {"at":"...","machines":"well"}                         all of them are, but where lines say otherwise
//   {"promised":"204","kind":"pods","name":"default/web-1"}   a client was told of this write
//   {"at":"...","settled":true}                            faults were over, and all was as asked for
//   {"profile":"kubernetes"}                               the timers of node health; else keelson's
#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/redis/protocol.hpp"
#include "sim/checks/recorded.hpp"

namespace keelson::real {

// Lines, without the newline. Of Secrets' contents only hashes, with a salt that nobody keeps.
std::string line_of(const redis::LogEntry& entry);
std::string found_line(const api::Object& object);

// Takes lines in. Code::invalid names the source and the line.
class RecordReader {
 public:
  Status read(std::string_view text, const std::string& source);
  // All *.jsonl of a directory, by name.
  Status read_directory(const std::string& directory);
  sim::Record take();

 private:
  struct Life {  // of a container, as its node's journal tells it
    agent::ContainerInfo info;
    WallTime seen;
    bool ended = false;
  };
  struct Journal {
    std::string node;
    std::map<std::string, Life> lives;  // by id
    WallTime last, agent_before;        // of the last line; of the last one of the agent before this one
    // Lines from before it says whose it is.
    std::vector<boost::json::object> nobodys;
  };
  Status line(std::string_view text, Journal& journal);
  Status entry(const boost::json::object& line);
  Status found(const boost::json::object& line);
  void journal_line(const boost::json::object& line, Journal& journal);
  void of_node(const boost::json::object& line, Journal& journal);
  void ended(Life& life, const std::string& node, WallTime at);
  void cut();

  sim::Record record_;
  sim::RecordedTransaction open_;  // whose last entry has not come yet
  WallTime open_at_;
  struct Decision {
    std::string knows;  // as it is written
    api::BasisPtr basis;
  };
  std::map<std::string, Decision> decisions_;  // by actor: equal bases in a row are one decision's
  bool provenance_ = true;
  uint64_t entries_ = 0;
  WallTime read_at_;       // zero: not told
  uint64_t first_ = 0;     // revision of the log
};

// The whole file. Code::not_found, unavailable.
Result<std::string> slurp(const std::string& path);
// A journal with the one before it, if that is still there.
Result<std::string> journal_text(const std::string& path);

}  // namespace keelson::real
