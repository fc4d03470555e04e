// A cluster made of answers: objects by path, served as a Kubernetes API server serves them as far
// as the verbs ask for it, and a console that keeps what is printed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

class FakeApi final : public Api {
 public:
  FakeApi();

  // Puts an object at its path ("/api/v1/namespaces/default/pods/kel"); answers of a fixed text at
  // any path, whatever the method.
  void put(const std::string& path, std::string_view json);
  void answer(const std::string& path, ApiReply reply) { fixed_[path] = std::move(reply); }
  // What the next watches deliver.
  void stream_text(std::string text) { stream_ = std::move(text); }

  Result<ApiReply> call(const ApiRequest& request) override;
  Result<ApiReply> stream(const ApiRequest& request,
                          const std::function<bool(std::string_view)>& take) override;
  Result<std::unique_ptr<Socket>> connect(const std::string& path,
                                          const std::string& protocol) override;
  std::string server() const override { return "https://cluster.test:6443"; }

  std::vector<ApiRequest> changes;  // all but GET, in order
  std::vector<ApiRequest> requests;

  // Of the socket that connect() gives: what arrives, and what has been sent.
  std::vector<std::string> incoming, outgoing;
  std::string connected_to;

 private:
  std::map<std::string, Json> objects_;
  std::map<std::string, ApiReply> fixed_;
  std::string stream_;
  int version_ = 100;
};

class FakeConsole final : public Console {
 public:
  void out(std::string_view text) override { output += text; }
  void err(std::string_view text) override { errors += text; }
  std::string read_input() override { return input; }
  WallTime now() override { return {now_ns}; }
  void sleep(Duration time) override {
    now_ns += time.count();
    if (on_sleep) on_sleep();
  }

  std::string output, errors, input;
  int64_t now_ns = 1'700'000'100'000'000'000;  // 2023-11-14T22:15:00Z
  std::function<void()> on_sleep;
};

struct Ran {
  int code = 0;
  std::string out, err;
};

// "get pods -o wide", run as the command would run it in the namespace default.
Ran run(FakeApi& api, const std::vector<std::string>& words, FakeConsole* console = nullptr);

}  // namespace keelson::cli
