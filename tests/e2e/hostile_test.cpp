// Clients that send what no client should, too slowly, too much, or without end. Each is refused or
// waited for within bounds, and everybody else is served meanwhile.
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>

#include "tests/e2e/hostile_fixture.hpp"

namespace keelson::e2e {
namespace {

constexpr const char* kSmallPath = "/api/v1/namespaces/default/configmaps/small";
constexpr const char* kConfigMaps = "/api/v1/namespaces/default/configmaps";

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

std::string config_map(const std::string& name) {
  return R"({"metadata":{"name":")" + name + "\"}}";
}

// Slow, but a client like any other in the end.
TEST_F(Hostile, HeadersByteByByte) {
  std::vector<Wire> slow = open(200);
  ASSERT_EQ(slow.size(), 200u);
  const std::string text = request("GET", kSmallPath);
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    for (Wire& wire : slow) ASSERT_TRUE(wire.send(std::string_view(text).substr(i, 1)));
    if (i % 16 == 0) expect_others_served(4);
  }
  for (std::size_t i = 0; i < slow.size(); i += 2)
    slow[i].send(std::string_view(text).substr(text.size() - 1));
  for (std::size_t i = 0; i < slow.size(); i += 2) {
    const Answer answer = slow[i].read_answer();
    ASSERT_EQ(answer.status, 200) << answer.brief();
  }
}

TEST_F(Hostile, BodiesByteByByte) {
  std::vector<Wire> slow = open(200);
  ASSERT_EQ(slow.size(), 200u);
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < slow.size(); ++i) {
    bodies.push_back(config_map("slow-" + std::to_string(100 + i)));
    const std::string text = request("POST", kConfigMaps, bodies.back(), kJson);
    ASSERT_TRUE(slow[i].send(std::string_view(text).substr(0, text.size() - bodies.back().size())));
  }
  for (std::size_t at = 0; at + 1 < bodies[0].size(); ++at) {
    for (std::size_t i = 0; i < slow.size(); ++i) {
      ASSERT_TRUE(slow[i].send(std::string_view(bodies[i]).substr(at, 1)));
    }
    if (at % 8 == 0) expect_others_served(4);
  }
  for (std::size_t i = 0; i < slow.size(); i += 2) {
    ASSERT_TRUE(slow[i].send("}"));
    const Answer answer = slow[i].read_answer();
    ASSERT_EQ(answer.status, 201) << answer.brief();
  }
}

TEST_F(Hostile, HugeBodies) {
  const std::string head = "POST " + std::string(kConfigMaps) +
                           " HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n";
  // Refused for what they announce, before any of it is sent.
  for (const char* length : {"3145729", "1099511627776", "9223372036854775807"}) {
    const Answer answer = answer_to(head + "Content-Length: " + length + "\r\n\r\n");
    EXPECT_EQ(answer.status, 413) << length << ": " << answer.brief();
  }
  for (const char* length : {"99999999999999999999999", "-1", "0x10", "1e3", "12 34", ""}) {
    const Answer answer = answer_to(head + "Content-Length: " + length + "\r\n\r\n");
    EXPECT_EQ(answer.status, 400) << length << ": " << answer.brief();
  }
  EXPECT_EQ(answer_to(head + "Transfer-Encoding: chunked\r\n\r\n400000\r\n").status, 413);
  for (const char* size : {"fffffffffffffffff", "-1", "zz", ""}) {
    const Answer answer =
        answer_to(head + "Transfer-Encoding: chunked\r\n\r\n" + size + "\r\nabc\r\n0\r\n\r\n");
    EXPECT_EQ(answer.status, 400) << size << ": " << answer.brief();
  }
  // Chunk after chunk.
  Wire endless(port());
  ASSERT_TRUE(endless.send(head + "Transfer-Encoding: chunked\r\n\r\n"));
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  for (int i = 0; i < 1'000 && endless.send(chunk); ++i) {
    if (i % 16 == 0) expect_others_served(2);
  }
  EXPECT_EQ(endless.read_answer().status, 413);
  // Many that are as large as they may be, and stop just before the end.
  std::vector<Wire> large = open(30);
  const std::string body = R"({"data":{"x":")" + std::string(3'000'000, 'x') + "\"}}";
  for (Wire& wire : large) {
    ASSERT_TRUE(wire.send(request("POST", kConfigMaps, body, kJson).substr(0, 3'000'000)));
  }
  expect_others_served();
}

TEST_F(Hostile, ChunkHeadersWithoutEnd) {
  for (const std::string& endless :
       {std::string(";x"), std::string("0"), std::string("1;") + std::string(500, 'e')}) {
    Wire wire(port());
    ASSERT_TRUE(wire.send("POST " + std::string(kConfigMaps) +
                          " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
    const std::string part = repeated(endless, 65'536 / endless.size());
    for (int i = 0; i < 1'000 && wire.send(part); ++i) {
    }
    const int status = wire.read_answer().status;
    EXPECT_TRUE(status == 400 || status == 413 || status == 431) << status;
  }
  // Trailers are headers, too.
  Wire wire(port());
  ASSERT_TRUE(wire.send("POST " + std::string(kConfigMaps) +
                        " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"));
  const std::string trailers = repeated("X-Trailer: and another one\r\n", 2'000);
  for (int i = 0; i < 1'000 && wire.send(trailers); ++i) {
  }
  const int status = wire.read_answer().status;
  EXPECT_TRUE(status == 400 || status == 431) << status;
}

TEST_F(Hostile, DeepNesting) {
  constexpr std::size_t kDeep = 200'000;
  const std::string yaml = "Content-Type: application/yaml\r\n";
  struct Attack {
    const char* what;
    std::string_view method;
    std::string target, body, headers;
  };
  const std::string arrays = repeated("[", kDeep), objects = repeated("{\"a\":", kDeep);
  const std::string closed = repeated("{\"a\":", kDeep) + "1" + repeated("}", kDeep);
  std::string laughs = "metadata:\n  name: x\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before +
              repeated("," + before, 9) + "]\n";
  }
  std::string indented;
  for (std::size_t i = 0; i < 1'500; ++i) indented += std::string(i, ' ') + "a:\n";
  const std::string patch = "Content-Type: application/merge-patch+json\r\n";
  const std::string json_patch = "Content-Type: application/json-patch+json\r\n";
  const std::string strategic = "Content-Type: application/strategic-merge-patch+json\r\n";
  const std::string apply = "Content-Type: application/apply-patch+yaml\r\n";
  const std::string json(kJson);
  const std::vector<Attack> attacks = {
      {"JSON arrays", "POST", kConfigMaps, arrays, json},
      {"JSON objects", "POST", kConfigMaps, objects, json},
      {"JSON, closed", "POST", kConfigMaps, closed, json},
      {"JSON in a field", "POST", kConfigMaps, "{\"metadata\":" + closed + "}", json},
      {"JSON, unknown field", "POST", std::string(kConfigMaps) + "?fieldValidation=Strict",
       "{\"metadata\":{\"name\":\"deep\"},\"x\":" + closed + "}", json},
      {"YAML flow", "POST", kConfigMaps, arrays, yaml},
      {"YAML flow objects", "POST", kConfigMaps, repeated("{a: ", kDeep), yaml},
      {"YAML blocks", "POST", kConfigMaps, indented, yaml},
      {"YAML sequences", "POST", kConfigMaps, repeated("- ", kDeep), yaml},
      {"YAML questions", "POST", kConfigMaps, repeated("? ", kDeep), yaml},
      {"YAML laughs", "POST", kConfigMaps, laughs, yaml},
      {"merge patch", "PATCH", kSmallPath, closed, patch},
      {"JSON patch", "PATCH", kSmallPath,
       "[{\"op\":\"add\",\"path\":\"/data/x\",\"value\":" + closed + "}]", json_patch},
      {"strategic patch", "PATCH", kSmallPath, closed, strategic},
      {"apply", "PATCH", std::string(kSmallPath) + "?fieldManager=m", closed, apply},
      {"delete options", "DELETE", std::string(kConfigMaps) + "/nobody", closed, json},
  };
  for (const Attack& attack : attacks) {
    const Answer answer =
        answer_to(request(attack.method, attack.target, attack.body, attack.headers));
    EXPECT_EQ(answer.status, 400) << attack.what << ": " << answer.brief();
    expect_others_served(4);
  }
  // A path of a JSON patch with as many steps.
  const Answer answer = answer_to(
      request("PATCH", kSmallPath,
              R"([{"op":"add","path":")" + repeated("/a", kDeep) + R"(","value":1}])", json_patch));
  EXPECT_GE(answer.status, 400) << answer.brief();
  EXPECT_LT(answer.status, 500) << answer.brief();
}

TEST_F(Hostile, GarbageRequestLines) {
  const std::string host = "Host: h\r\n\r\n";
  const std::string refused[] = {
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client\r\n\r\n",
      "GET\r\n\r\n",
      "GET /\r\n\r\n",
      " / HTTP/1.1\r\n" + host,
      "GET  / HTTP/1.1\r\n" + host,
      "GET / HTTP/1.1 x\r\n" + host,
      "G\x01T / HTTP/1.1\r\n" + host,
      "GET /\x01 HTTP/1.1\r\n" + host,
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET / HTTP/1.1\r\nno colon\r\n" + host,
      "GET / HTTP/1.1\r\nX : y\r\n" + host,
      "GET / HTTP/1.1\r\n: y\r\n" + host,
      "GET / HTTP/1.1\r\nX: \x01\r\n" + host,
      "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n" + host,
      "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" + host,
      "GET nowhere HTTP/1.1\r\n" + host,
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "GET / HTTP/9.9\r\n" + host,
      "GET / FTP/1.1\r\n" + host,
  };
  for (const std::string& bytes : refused) {
    const Answer answer = answer_to(bytes);
    EXPECT_TRUE(answer.status == 400 || answer.status == 505) << bytes << answer.brief();
  }
  // Right as HTTP, and nothing that this server has.
  const std::string odd[] = {"/%",
                             "/%zz",
                             "/api/v1/%00",
                             "/api/v1/namespaces/%2e%2e/pods/../../x",
                             "//",
                             "/api/v1//",
                             "/api/v1/namespaces/" + std::string(50'000, 'x') + "/pods",
                             "/api/v1/pods?labelSelector=" + repeated("(", 20'000),
                             "/api/v1/pods?fieldSelector=" + repeated("!=", 20'000),
                             "/api/v1/pods?limit=-1&continue=%ff%fe",
                             "/api/v1/pods?limit=99999999999999999999",
                             "/openapi/v3/" + repeated("../", 1'000)};
  for (const std::string& target : odd) {
    const Answer answer = answer_to(request("GET", target));
    EXPECT_TRUE(answer.status >= 200 && answer.status < 500)
        << target.substr(0, 80) << answer.brief();
  }
  for (int i = 0; i < 300; ++i) {
    std::string noise;
    for (uint64_t left = 1 + rng_.below(3'000); left > 0; --left) {
      noise += static_cast<char>(rng_.below(256));
    }
    Wire wire(port());
    wire.send(noise + "\r\n\r\n");
    wire.end_output();  // it may have been taken for the beginning of something
    const int status = wire.read_answer().status;
    EXPECT_TRUE(status == 0 || status >= 400) << status;
  }
}

TEST_F(Hostile, HeaderFloods) {
  const std::string line = "GET / HTTP/1.1\r\nHost: h\r\n";
  EXPECT_EQ(answer_to(line + repeated("X: y\r\n", 10'000) + "\r\n").status, 431);
  EXPECT_EQ(answer_to(line + "X: " + std::string(1'000'000, 'y') + "\r\n\r\n").status, 431);
  EXPECT_EQ(answer_to("GET /" + std::string(1'000'000, 'x') + " HTTP/1.1\r\n").status, 431);
  std::vector<Wire> many = open(50);
  ASSERT_EQ(many.size(), 50u);
  for (Wire& wire : many) ASSERT_TRUE(wire.send(line));
  const std::string more = repeated("X-Flood: " + std::string(91, 'y') + "\r\n", 40);
  std::vector<bool> ended(many.size());
  for (int i = 0; i < 200; ++i) {
    for (std::size_t n = 0; n < many.size(); ++n) {
      if (!ended[n]) ended[n] = !many[n].send(more);
    }
    if (i % 16 == 0) expect_others_served(2);
  }
  for (Wire& wire : many) {
    const int status = wire.read_answer().status;
    EXPECT_EQ(status, 431);
  }
}

TEST_F(Hostile, IdleConnections) {
  constexpr std::size_t kWanted = 10'000;
  const std::size_t possible =
      std::min(kWanted, file_limit() - std::min<std::size_t>(file_limit(), 200));
  std::vector<Wire> idle = open(possible);
  std::printf("%zu idle connections (of %zu; at most %zu open files)\n", idle.size(), kWanted,
              file_limit());
  ASSERT_EQ(idle.size(), possible);
  expect_others_served();
  // None has been forgotten.
  for (int i = 0; i < 200; ++i) {
    Wire& wire = idle[rng_.below(idle.size())];
    ASSERT_TRUE(wire.send(request("GET", kSmallPath)));
    const Answer answer = wire.read_answer();
    ASSERT_EQ(answer.status, 200) << answer.brief();
  }
  EXPECT_LT(server_rss_mib(), 600u);
}

TEST_F(Hostile, WatchStorms) {
  Requester writer(port());
  for (int round = 0; round < 3; ++round) {
    std::vector<Wire> watches = open(1'000);
    ASSERT_EQ(watches.size(), 1'000u);
    for (std::size_t i = 0; i < watches.size(); ++i) {
      const char* target =
          i % 2 ? "/api/v1/configmaps?watch=true"
                : "/api/v1/namespaces/default/configmaps?watch=true&resourceVersion=0";
      ASSERT_TRUE(watches[i].send(request("GET", target)));
    }
    expect_others_served();
    const std::string name = "storm-" + std::to_string(round);
    ASSERT_EQ(writer.ask("POST", kConfigMaps, config_map(name)).status, 201);
    for (std::size_t i = 0; i < watches.size(); ++i) {
      std::string seen;
      while (seen.find("\"" + name + "\"") == std::string::npos) {
        ASSERT_TRUE(watches[i].receive(seen)) << i << ": " << seen;
      }
      i % 3 ? watches[i].close() : watches[i].reset();
    }
    expect_others_served();
  }
  // Opened and closed before anything is read.
  for (int i = 0; i < 3'000; ++i) {
    Wire wire(port());
    ASSERT_TRUE(wire.send(request("GET", "/api/v1/pods?watch=true")));
    if (i % 2) wire.reset();
  }
}

// Who does not speak TLS at the port that does, or stops in the middle.
TEST_F(Hostile, TlsGarbage) {
  const uint16_t tls = secure_port();
  ASSERT_NE(tls, 0);
  const std::string hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
  std::vector<Wire> half_open;
  for (int i = 0; i < 1'000; ++i) {
    Wire& wire = half_open.emplace_back(tls);
    ASSERT_TRUE(wire.connected());
    std::string noise;
    if (i % 4 == 1) noise = hello;
    if (i % 4 == 2) noise = request("GET", kSmallPath);
    if (i % 4 == 3) {
      for (int n = 0; n < 300; ++n) noise += static_cast<char>(rng_.below(256));
    }
    wire.send(noise);
  }
  expect_others_served();
  const Outcome outcome = run(keelson_binary() + " get configmap small", environment());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
}

// From one user, who never waits for an answer; another one is not held up by that.
TEST_F(Hostile, PipelinedFlood) {
  const std::string as = "Impersonate-User: flood\r\nImpersonate-Group: system:masters\r\n";
  std::atomic<bool> enough{false};
  std::atomic<int> wrong{0};
  std::atomic<uint64_t> answered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const std::string burst = repeated(request("GET", kSmallPath, {}, as), 100);
      while (!enough) {
        Wire wire(port());
        if (!wire.send(burst)) continue;
        for (int i = 0; i < 100; ++i) {
          const int status = wire.read_answer().status;
          ++answered;
          if (status != 200 && status != 429) ++wrong;
        }
      }
    });
  }
  expect_others_served(1'000);
  enough = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  std::printf("%llu answers for the flood\n", static_cast<unsigned long long>(answered.load()));
}

// Together more than the server sets aside for what it has not handled yet.
TEST_F(Hostile, ManyBodiesWithoutAnEnd) {
  const std::string body = R"({"data":{"x":")" + std::string(3'000'000, 'x') + "\"}}";
  const std::string part = request("POST", kConfigMaps, body, kJson).substr(0, 3'000'000);
  std::vector<Wire> large = open(120);
  for (Wire& wire : large) wire.send(part);
  // Those for whom there is no room are told so; the others wait for the rest of what they send.
  std::size_t refused = 0, told = 0;
  for (int tenths = 0; refused < 20 && tenths < 200; ++tenths) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    for (Wire& wire : large) {
      pollfd ready{wire.fd(), POLLIN, 0};
      if (!wire.connected() || poll(&ready, 1, 0) != 1) continue;
      const int status = wire.read_answer().status;
      EXPECT_TRUE(status == 429 || status == 0) << status;  // 0: reset while it was still sending
      ++refused;
      told += status == 429;
      wire.close();
    }
  }
  EXPECT_GE(refused, 20u);
  EXPECT_GT(told, 0u);
  expect_others_served();
  EXPECT_LT(server_rss_mib(), 600u);
}

// Each of these answers is a large one of its own.
TEST_F(Hostile, ListsThatNobodyReads) {
  Requester writer(port());
  const std::string pad(900'000, 'x');
  for (int i = 0; i < 20; ++i) {
    const std::string body = R"({"metadata":{"name":"large-)" + std::to_string(i) +
                             R"("},"data":{"pad":")" + pad + "\"}}";
    ASSERT_EQ(writer.ask("POST", kConfigMaps, body).status, 201);
  }
  std::vector<Wire> greedy;
  for (int i = 0; i < 100; ++i) {
    Wire& wire = greedy.emplace_back(port(), 4096);
    ASSERT_TRUE(wire.send(request("GET", kConfigMaps)));
  }
  for (Wire& wire : greedy) {
    std::string head;  // has it been made, or refused?
    ASSERT_TRUE(wire.receive(head));
  }
  expect_others_served();
  EXPECT_LT(server_rss_mib(), 600u);
}

// Asks for much and reads none of it.
TEST_F(Hostile, FloodThatReadsNothing) {
  std::vector<Wire> greedy;
  for (int i = 0; i < 100; ++i) greedy.emplace_back(port(), 4096);
  const std::string burst = repeated(request("GET", "/openapi/v2"), 500);
  for (Wire& wire : greedy) {
    ASSERT_TRUE(wire.connected());
    ASSERT_TRUE(wire.send(burst));
  }
  expect_others_served(50);
  EXPECT_LT(server_rss_mib(), 600u);
}

}  // namespace
}  // namespace keelson::e2e
