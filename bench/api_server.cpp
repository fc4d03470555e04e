// The bare API server for measurements: memory store, HTTP front and HTTP server, with no access
// control and nothing that changes objects by itself. It says where it listens, and ends after
// --seconds or at a signal.
#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cxxopts.hpp>
#include <thread>

#include "core/apiserver/api_server.hpp"
#include "core/rest/front.hpp"
#include "core/store/memory_store.hpp"
#include "runtime/http/server.hpp"
#include "runtime/log/stream_log.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson {
namespace {

struct Settings {
  http::ServerOptions http;
  int64_t seconds = 0;
};

Settings read_options(int argc, char** argv) {
  cxxopts::Options options("bench_api_server", "The bare API server, for measurements\n");
  auto add = options.add_options();
  add("port", "on the loopback address; 0: any free one",
      cxxopts::value<uint16_t>()->default_value("0"));
  add("io-threads", "that own the connections", cxxopts::value<int>()->default_value("1"));
  add("seconds", "until it ends by itself", cxxopts::value<int64_t>()->default_value("900"));
  add("tls-cert-file", "PEM; serve HTTPS", cxxopts::value<std::string>());
  add("tls-private-key-file", "PEM", cxxopts::value<std::string>());
  add("client-ca-file", "PEM; ask for client certificates", cxxopts::value<std::string>());
  add("help", "this text");
  const cxxopts::ParseResult given = options.parse(argc, argv);
  if (given.count("help")) {
    std::puts(options.help().c_str());
    std::exit(0);
  }
  Settings settings;
  settings.http.port = given["port"].as<uint16_t>();
  settings.http.io_threads = given["io-threads"].as<int>();
  settings.seconds = std::clamp<int64_t>(given["seconds"].as<int64_t>(), 1, 86'400);
  if (given.count("tls-cert-file")) {
    http::ServerTls& tls = settings.http.tls.emplace();
    tls.cert_file = given["tls-cert-file"].as<std::string>();
    if (given.count("tls-private-key-file")) {
      tls.key_file = given["tls-private-key-file"].as<std::string>();
    }
    if (given.count("client-ca-file"))
      tls.client_ca_file = given["client-ca-file"].as<std::string>();
  }
  return settings;
}

int run(const Settings& settings) {
  // Before any thread, so that all have them blocked and only sigtimedwait() gets them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  runtime::StreamLog log;
  runtime::AsioLoop loop;
  store::MemoryStore store(loop);
  apiserver::ApiServerOptions options;
  options.identity = "bench";
  apiserver::ApiServer server(loop, store, Rng(1), log, options);
  server.start();
  rest::Front front(server, loop, log, nullptr, nullptr, {});
  auto http = http::HttpServer::start(
      settings.http, front,
      [&loop](http::Work work) { loop.post_from_any_thread(std::move(work)); }, log);
  if (!http) {
    fmt::print(stderr, "bench_api_server: {}\n", http.error().message);
    return 1;
  }
  fmt::print("{} pid {}\n", (*http)->url(), ::getpid());
  std::fflush(stdout);

  std::thread waiter([&] {
    const timespec bound{settings.seconds, 0};
    sigtimedwait(&signals, nullptr, &bound);
    loop.stop();
  });
  loop.run();
  waiter.join();
  const http::ServerStats stats = (*http)->stats();
  fmt::print("{} requests, {} connections, {} bytes in, {} bytes out, {} slow readers\n",
             stats.requests, stats.accepted, stats.bytes_received, stats.bytes_sent,
             stats.slow_readers);
  return 0;
}

}  // namespace
}  // namespace keelson

int main(int argc, char** argv) {
  try {
    return keelson::run(keelson::read_options(argc, argv));
  } catch (const cxxopts::exceptions::exception& error) {
    fmt::print(stderr, "bench_api_server: {}\n", error.what());
    return 2;
  }
}
