#include "tests/lab/browser.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

namespace keelson::lab {

namespace json = boost::json;

namespace {

constexpr int kPatienceMs = 60'000;

// The text at "/a/b"; empty if there is none.
std::string text_at(const json::object& object, std::string_view path) {
  const std::size_t end = path.find('/', 1);
  const json::value* found = object.if_contains(path.substr(1, end == path.npos ? end : end - 1));
  if (!found) return "";
  if (end != path.npos)
    return found->is_object() ? text_at(found->get_object(), path.substr(end)) : "";
  return found->is_string() ? std::string(found->get_string()) : "";
}

// Where Debian and others put it.
std::string find_program() {
  for (const char* name : {"chromium-headless-shell", "chromium", "google-chrome"}) {
    const std::string path = std::string("/usr/bin/") + name;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return "";
}

std::string decode_base64(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    const int v = c >= 'A' && c <= 'Z'   ? c - 'A'
                  : c >= 'a' && c <= 'z' ? c - 'a' + 26
                  : c >= '0' && c <= '9' ? c - '0' + 52
                  : c == '+'             ? 62
                  : c == '/'             ? 63
                                         : -1;
    if (v < 0) continue;
    bits = bits << 6 | static_cast<uint32_t>(v);
    if ((have += 6) >= 8) out += static_cast<char>(bits >> (have -= 8) & 255);
  }
  return out;
}

}  // namespace

std::unique_ptr<Browser> Browser::start(std::string* why) {
  const std::string program = find_program();
  if (program.empty()) {
    *why = "chromium is not installed (tools/packages.txt)";
    return nullptr;
  }
  char folder[] = "/tmp/keelson-browser-XXXXXX";
  int to[2], from[2];
  if (!mkdtemp(folder) || pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) {
    *why = "no temporary folder or pipe";
    return nullptr;
  }
  std::unique_ptr<Browser> browser(new Browser);
  browser->folder_ = folder;
  const std::string profile = "--user-data-dir=" + browser->folder_;
  browser->pid_ = fork();
  if (browser->pid_ == 0) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // Above 4 first: the ends may have the very numbers that are wanted.
    const int in = fcntl(to[0], F_DUPFD, 10), out = fcntl(from[1], F_DUPFD, 10);
    dup2(in, 3);
    dup2(out, 4);
    close(in);
    close(out);
    const int nowhere = ::open("/dev/null", O_RDWR);
    dup2(nowhere, 1);
    dup2(nowhere, 2);
    // The sandbox refuses root, which CI is; the page is our own.
    execl(program.c_str(), program.c_str(), "--headless", "--no-sandbox", "--disable-gpu",
          "--disable-dev-shm-usage", "--remote-debugging-pipe", "--no-first-run",
          "--disable-background-networking", "--disable-component-update", "--disable-sync",
          "--hide-scrollbars", profile.c_str(), "about:blank", static_cast<char*>(nullptr));
    _exit(127);
  }
  setpgid(browser->pid_, browser->pid_);
  close(to[0]);
  close(from[1]);
  browser->out_ = to[1];
  browser->in_ = from[0];
  std::signal(SIGPIPE, SIG_IGN);

  const json::value target = browser->call("Target.createTarget", {{"url", "about:blank"}});
  if (target.is_object()) {
    const json::value session =
        browser->call("Target.attachToTarget",
                      {{"targetId", text_at(target.get_object(), "/targetId")}, {"flatten", true}});
    if (session.is_object()) browser->session_ = text_at(session.get_object(), "/sessionId");
  }
  if (browser->session_.empty()) {
    *why = program + " does not come up";
    return nullptr;
  }
  for (const char* domain : {"Page.enable", "Runtime.enable", "Log.enable", "Network.enable"}) {
    browser->call(domain);
  }
  return browser;
}

Browser::~Browser() {
  if (out_ >= 0) close(out_);
  if (in_ >= 0) close(in_);
  if (pid_ > 0) {
    kill(-pid_, SIGKILL);  // its group: the renderers, too
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  // A helper process that is just dying may still write a file there.
  std::error_code ignored;
  for (int i = 0; i < 20 && !folder_.empty() && std::filesystem::exists(folder_, ignored); ++i) {
    std::filesystem::remove_all(folder_, ignored);
    if (ignored) usleep(50'000);
  }
}

void Browser::emulate(int width, int height, bool dark) {
  call("Emulation.setDeviceMetricsOverride",
       {{"width", width}, {"height", height}, {"deviceScaleFactor", 1}, {"mobile", false}});
  call("Emulation.setEmulatedMedia",
       {{"features", json::array{json::object{{"name", "prefers-color-scheme"},
                                              {"value", dark ? "dark" : "light"}}}}});
}

bool Browser::open(const std::string& url) {
  requests_.clear();
  complaints_.clear();
  loaded_ = false;
  if (call("Page.navigate", {{"url", url}}).is_null()) return false;
  while (!loaded_) {
    const json::value message = receive();
    if (!message.is_object()) return false;
    note(message.get_object());
  }
  return true;
}

json::value Browser::evaluate(const std::string& expression) {
  const json::value answer =
      call("Runtime.evaluate", {{"expression", expression}, {"returnByValue", true}});
  if (!answer.is_object()) return nullptr;
  const json::object& result = answer.get_object();
  if (result.contains("exceptionDetails")) {
    complaints_.push_back(json::serialize(result.at("exceptionDetails")));
    return nullptr;
  }
  const json::value* value = result.at("result").as_object().if_contains("value");
  return value ? *value : json::value(nullptr);
}

void Browser::move_pointer(double x, double y) {
  call("Input.dispatchMouseEvent", {{"type", "mouseMoved"}, {"x", x}, {"y", y}});
}

std::string Browser::screenshot() {
  const json::value answer =
      call("Page.captureScreenshot", {{"format", "png"}, {"captureBeyondViewport", true}});
  return answer.is_object() ? decode_base64(text_at(answer.get_object(), "/data")) : "";
}

std::string Browser::print() {
  const json::value answer =
      call("Page.printToPDF", {{"preferCSSPageSize", true}, {"printBackground", true}});
  return answer.is_object() ? decode_base64(text_at(answer.get_object(), "/data")) : "";
}

bool Browser::send(const std::string& text) {
  for (std::size_t at = 0; at <= text.size();) {  // with the zero that ends a message
    const ssize_t n = write(out_, text.c_str() + at, text.size() + 1 - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += static_cast<std::size_t>(n);
  }
  return true;
}

json::value Browser::receive() {
  for (;;) {
    const std::size_t end = buffer_.find('\0');
    if (end != std::string::npos) {
      boost::system::error_code bad;
      json::value message = json::parse(buffer_.substr(0, end), bad);
      buffer_.erase(0, end + 1);
      return bad ? json::value(nullptr) : message;
    }
    pollfd ready{in_, POLLIN, 0};
    if (poll(&ready, 1, kPatienceMs) <= 0) return nullptr;
    std::array<char, 65536> bytes;
    const ssize_t n = read(in_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return nullptr;
    buffer_.append(bytes.data(), static_cast<std::size_t>(n));
  }
}

json::value Browser::call(const std::string& method, json::object parameters) {
  json::object command{{"id", next_id_}, {"method", method}, {"params", std::move(parameters)}};
  if (!session_.empty()) command["sessionId"] = session_;
  if (!send(json::serialize(command))) return nullptr;
  const int64_t id = next_id_++;
  for (;;) {
    json::value message = receive();
    if (!message.is_object()) return nullptr;
    const json::object& object = message.get_object();
    const json::value* answers = object.if_contains("id");
    if (!answers) {
      note(object);
    } else if (answers->is_int64() && answers->get_int64() == id) {
      const json::value* result = object.if_contains("result");
      return result ? *result : json::value(nullptr);
    }
  }
}

void Browser::note(const json::object& event) {
  const std::string method = text_at(event, "/method");
  if (method == "Page.loadEventFired") {
    loaded_ = true;
  } else if (method == "Network.requestWillBeSent") {
    requests_.push_back(text_at(event, "/params/request/url"));
  } else if (method == "Runtime.exceptionThrown" || method == "Log.entryAdded") {
    complaints_.push_back(json::serialize(event.at("params")));
  } else if (method == "Runtime.consoleAPICalled") {
    const std::string type = text_at(event, "/params/type");
    if (type == "error" || type == "warning" || type == "assert")
      complaints_.push_back(json::serialize(event.at("params")));
  }
}

}  // namespace keelson::lab
