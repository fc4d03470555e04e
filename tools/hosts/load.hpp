// Clients that come all the time: one connection and one request after the other, each judged.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace keelson::hosts {

class Load {
 public:
  struct Failure {
    std::chrono::steady_clock::time_point at;
    std::string url, why;
  };
  struct Tally {
    uint64_t good = 0, failed = 0;
    std::string first_failure;
    std::chrono::steady_clock::time_point first_good{};  // when it was asked for; zero: none
    std::vector<Failure> failures;  // the first ten thousand
    // Between two good answers of the same URL.
    std::chrono::milliseconds longest_gap{};
  };

  // `network`: the file of the network namespace that they come from. One client for each URL of the
  // form http://ADDRESS:PORT, which asks again `pause` after each answer, some 100 times a second; an
  // answer is good if it has status 200.
  Load(const std::string& network, std::vector<std::string> urls,
       std::chrono::milliseconds patience = std::chrono::seconds(2),
       std::chrono::milliseconds pause = std::chrono::milliseconds(10));
  ~Load();
  Tally stop();

 private:
  void run(const std::string& network, const std::string& url);

  const std::chrono::milliseconds patience_, pause_;
  std::atomic<bool> over_ = false;
  std::mutex mutex_;
  Tally tally_;
  std::vector<std::thread> clients_;
};

}  // namespace keelson::hosts
