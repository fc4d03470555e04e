// Load on an API server over HTTP, and how it stood it: any server that speaks Kubernetes' API, so
// that two can be compared on one machine.
//
//   bench_http_load all --server http://127.0.0.1:6443 --server-pid 1234
//
// One thread; bounded in count and time. Exit codes: 0 done, 1 something failed, 2 bad usage.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cxxopts.hpp>
#include <fstream>
#include <sstream>

#include "bench/load/loads.hpp"

namespace keelson::bench {
namespace {

struct Settings {
  Plan plan;
  std::vector<std::string> loads;
  int server_pid = 0;
  bool json = false;
};

[[noreturn]] void bad_usage(const std::string& why) {
  fmt::print(stderr, "bench_http_load: {}\n", why);
  std::exit(2);
}

std::string file_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) bad_usage("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

cxxopts::Options make_options() {
  cxxopts::Options options("bench_http_load", "Load on a Kubernetes API over HTTP\n");
  options.positional_help("get|create|list|watch|all");
  auto add = options.add_options();
  add("load", "what to do", cxxopts::value<std::string>());
  add("server", "its URL", cxxopts::value<std::string>());
  add("token", "bearer token", cxxopts::value<std::string>()->default_value(""));
  add("certificate-authority", "PEM file", cxxopts::value<std::string>());
  add("client-certificate", "PEM file", cxxopts::value<std::string>());
  add("client-key", "PEM file", cxxopts::value<std::string>());
  add("insecure-skip-tls-verify", "accept any certificate");
  add("remote", "allow a server that is not on the loopback address");
  add("namespace", "prefix of the namespaces that are used",
      cxxopts::value<std::string>()->default_value("keelson-bench"));
  add("connections", "of get and create", cxxopts::value<int>()->default_value("32"));
  add("requests", "of get and create; 0: bound by time alone",
      cxxopts::value<uint64_t>()->default_value("0"));
  add("seconds", "of each load", cxxopts::value<double>()->default_value("10"));
  add("pods", "in a list", cxxopts::value<int>()->default_value("5000"));
  add("lists", "of each form", cxxopts::value<int>()->default_value("20"));
  add("watchers", "of one namespace", cxxopts::value<int>()->default_value("1000"));
  add("changes-per-second", "that they watch", cxxopts::value<int>()->default_value("1000"));
  add("watch-pods", "instead of ConfigMaps, which are a fifth of their size");
  add("server-pid", "tell its CPU time and memory too", cxxopts::value<int>()->default_value("0"));
  add("json", "one line of JSON for each load");
  add("help", "this text");
  options.parse_positional({"load"});
  return options;
}

Settings read_options(int argc, char** argv) {
  cxxopts::Options options = make_options();
  const cxxopts::ParseResult given = options.parse(argc, argv);
  if (given.count("help")) {
    std::puts(options.help().c_str());
    std::exit(0);
  }
  if (!given.count("load") || !given.count("server")) bad_usage("a load and --server are needed");
  Settings settings;
  const std::string load = given["load"].as<std::string>();
  settings.loads = load == "all" ? std::vector<std::string>{"get", "create", "list", "watch"}
                                 : std::vector<std::string>{load};
  Plan& plan = settings.plan;
  plan.client.server = given["server"].as<std::string>();
  plan.client.bearer_token = plan.target.token = given["token"].as<std::string>();
  const auto pem = [&](const char* name) {
    return given.count(name) ? file_text(given[name].as<std::string>()) : std::string();
  };
  plan.client.ca_pem = pem("certificate-authority");
  plan.client.client_cert_pem = pem("client-certificate");
  plan.client.client_key_pem = pem("client-key");
  plan.client.insecure_skip_verify = given.count("insecure-skip-tls-verify") > 0;
  auto url = http::parse_server_url(plan.client.server);
  if (!url) bad_usage(url.error().message);
  plan.target.url = *url;
  if (!given.count("remote") && url->host != "127.0.0.1" && url->host != "localhost" &&
      url->host != "::1") {
    bad_usage(url->host + " is not this machine; --remote allows it");
  }
  if (url->tls) {
    auto tls =
        http::make_client_context({plan.client.ca_pem, plan.client.client_cert_pem,
                                   plan.client.client_key_pem, plan.client.insecure_skip_verify});
    if (!tls) bad_usage(tls.error().message);
    plan.target.tls = *tls;
  }
  plan.ns = given["namespace"].as<std::string>();
  plan.connections = std::clamp(given["connections"].as<int>(), 1, 10'000);
  plan.requests = given["requests"].as<uint64_t>();
  plan.seconds = std::clamp(given["seconds"].as<double>(), 0.1, 3600.0);
  plan.pods = std::clamp(given["pods"].as<int>(), 1, 1'000'000);
  plan.lists = std::clamp(given["lists"].as<int>(), 1, 100'000);
  plan.watchers = std::clamp(given["watchers"].as<int>(), 1, 15'000);
  plan.changes_per_second = std::clamp(given["changes-per-second"].as<int>(), 1, 100'000);
  plan.watch_pods = given.count("watch-pods") > 0;
  settings.server_pid = given["server-pid"].as<int>();
  settings.json = given.count("json") > 0;
  return settings;
}

// CPU seconds so far, and resident memory, as /proc tells of a process; zero: it does not.
struct Usage {
  double cpu_seconds = 0;
  double rss_mib = 0;
};
Usage usage_of(int pid) {
  Usage usage;
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  if (pid <= 0 || !std::getline(file, text)) return usage;
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::vector<std::string> field;
  for (std::string each; fields >> each;) field.push_back(each);
  // Counted from the state, which is field 3 of proc(5): utime is 14, stime 15, rss 24.
  const double tick = static_cast<double>(::sysconf(_SC_CLK_TCK));
  usage.cpu_seconds = (std::stod(field[11]) + std::stod(field[12])) / tick;
  usage.rss_mib = std::stod(field[21]) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
  return usage;
}

void print(const Settings& settings, const Report& report, double server_cpu, double rss_mib) {
  const Latencies& took = report.latencies;
  const double rate = report.seconds > 0 ? static_cast<double>(took.count()) / report.seconds : 0;
  if (settings.json) {
    fmt::print(
        R"({{"load":"{}","count":{},"failed":{},"missing":{},"seconds":{:.3f},"rate":{:.1f},)"
        R"("p50_ms":{:.3f},"p90_ms":{:.3f},"p99_ms":{:.3f},"max_ms":{:.3f},"first_ms":{:.3f},)"
        R"("bytes":{},"server_cpu_seconds":{:.2f},"server_rss_mib":{:.1f},"ok":{}}})"
        "\n",
        report.name, took.count(), report.failed, report.missing, report.seconds, rate,
        took.percentile_ms(0.5), took.percentile_ms(0.9), took.percentile_ms(0.99), took.max_ms(),
        report.first_ms, report.bytes, server_cpu, rss_mib, report.failure.empty());
  } else {
    fmt::print(
        "{:<14} {:>9.0f}/s  p50 {:.2f}  p90 {:.2f}  p99 {:.2f}  max {:.2f} ms  "
        "{} in {:.1f} s, {:.1f} MiB",
        report.name, rate, took.percentile_ms(0.5), took.percentile_ms(0.9),
        took.percentile_ms(0.99), took.max_ms(), took.count(), report.seconds,
        static_cast<double>(report.bytes) / (1 << 20));
    if (report.first_ms > 0) fmt::print(", the first {:.1f} ms", report.first_ms);
    if (report.failed > 0) fmt::print(", {} refused", report.failed);
    if (report.missing > 0) fmt::print(", {} missing", report.missing);
    if (settings.server_pid > 0) {
      fmt::print("; server: {:.2f} s CPU, {:.1f} MiB", server_cpu, rss_mib);
    }
    fmt::print("\n");
  }
  if (!report.failure.empty()) fmt::print(stderr, "{}: {}\n", report.name, report.failure);
  std::fflush(stdout);
}

int run(const Settings& settings) {
  // Each watcher is a connection.
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  bool good = true;
  const auto measure = [&](auto&& load) {
    const Usage before = usage_of(settings.server_pid);
    const Report report = load();
    const Usage after = usage_of(settings.server_pid);
    print(settings, report, after.cpu_seconds - before.cpu_seconds, after.rss_mib);
    good = good && report.failure.empty() && report.failed == 0 && report.missing == 0;
  };
  for (const std::string& load : settings.loads) {
    const Plan& plan = settings.plan;
    if (load == "get") {
      measure([&] { return load_get(plan); });
    } else if (load == "create") {
      measure([&] { return load_create(plan); });
    } else if (load == "list") {
      measure([&] { return load_list(plan, false); });
      measure([&] { return load_list(plan, true); });
    } else if (load == "watch") {
      measure([&] { return load_watch(plan); });
    } else {
      bad_usage("no such load: " + load);
    }
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace keelson::bench

int main(int argc, char** argv) {
  try {
    return keelson::bench::run(keelson::bench::read_options(argc, argv));
  } catch (const cxxopts::exceptions::exception& error) {
    keelson::bench::bad_usage(error.what());
  }
}
