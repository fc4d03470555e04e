// A real headless Chromium that a test drives, through the DevTools protocol over a pipe: no port,
// no further library. One page.
#pragma once

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <vector>

namespace keelson::lab {

class Browser {
 public:
  // Null if it is not installed or does not come up; `why` says so.
  static std::unique_ptr<Browser> start(std::string* why);
  ~Browser();
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  void emulate(int width, int height, bool dark);
  // Returns when the page has loaded; false: it did not within a minute.
  bool open(const std::string& url);
  // What a JavaScript expression evaluates to; null and a complaint if it throws.
  boost::json::value evaluate(const std::string& expression);
  void move_pointer(double x, double y);
  // The whole page as PNG, and printed as PDF, with print's own style. Empty: it failed.
  std::string screenshot();
  std::string print();

  // Since open(): the URLs that it asked for, and each error or warning in its console.
  const std::vector<std::string>& requests() const { return requests_; }
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  Browser() = default;
  // Sends a command and waits for its answer (at most a minute); null without one.
  boost::json::value call(const std::string& method, boost::json::object parameters = {});
  bool send(const std::string& text);
  // The next message, or null.
  boost::json::value receive();
  void note(const boost::json::object& event);

  int pid_ = -1, out_ = -1, in_ = -1;
  std::string folder_, buffer_, session_;
  int64_t next_id_ = 1;
  bool loaded_ = false;
  std::vector<std::string> requests_, complaints_;
};

}  // namespace keelson::lab
