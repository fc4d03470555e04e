// Calls and watches between a client process and the API servers, over the simulated network: what an
// HTTP client over TCP would do. A call's request or reply may be lost, delayed past the caller's
// deadline or delivered twice; a watch is a stream that keeps its order, stalls while the path is cut
// and breaks with its server.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/client/api_client.hpp"
#include "sim/engine/process.hpp"
#include "sim/world/network.hpp"

namespace keelson::apiserver {
class ApiServer;
}

namespace keelson::sim {

class ApiLink;
class ApiEndpoint;

// Sees what clients send and get, at the moment they do: the checks on reads, watches and leadership.
class ClientObserver {
 public:
  virtual void called(const Process& client, const api::Request& request) = 0;
  // Answers to lists and to calls about Leases only; `request` is the question.
  virtual void answered(const Process& client, const api::Request& request,
                        const api::Response& response) = 0;
  virtual void watch_opened(uint64_t stream, const api::WatchRequest& request,
                            const std::string& client) = 0;
  virtual void watch_delivered(uint64_t stream, std::span<const api::WatchEvent> events) = 0;
  virtual void watch_closed(uint64_t stream) = 0;

 protected:
  ~ClientObserver() = default;
};

// What all links of a world share.
struct ApiFabric {
  Engine& engine;
  Network& network;
  Rng rng;  // for the faults below
  std::vector<ApiEndpoint*> endpoints;
  ClientObserver* observer = nullptr;
  Duration call_timeout = 10s;
  // Faults at a rate, in millionths of calls.
  uint32_t lose_request_ppm = 0, lose_reply_ppm = 0, duplicate_ppm = 0;
  // Watches of these client processes bring everything this much later, in order as ever: all their
  // watches, or (with a kind) those of one kind, so that kinds overtake each other.
  struct SlowWatch {
    std::string client;
    std::optional<api::Kind> kind;
    Duration late{};
  };
  std::vector<SlowWatch> slow_watches;
  Duration watch_delay(const std::string& client, api::Kind kind) const {
    Duration most{};
    for (const SlowWatch& slow : slow_watches) {
      if (slow.client == client && slow.kind.value_or(kind) == kind) most = std::max(most, slow.late);
    }
    return most;
  }
  uint64_t next_stream = 1;
  uint64_t last_request = 0;
  struct Fired {
    uint64_t requests_lost = 0, replies_lost = 0, duplicated = 0, timeouts = 0, calls = 0;
    uint64_t watch_events = 0, watch_breaks = 0;
  } fired;
};

// The server side: one per API server process; outlives the server's incarnations.
class ApiEndpoint {
 public:
  ApiEndpoint(ApiFabric& fabric, Process& process, HostId host);
  ~ApiEndpoint();

  // The server of the current incarnation; nullptr while it is down.
  void attach(apiserver::ApiServer* server);
  // REQUIRES: before the server is destroyed. Calls in progress and streams are reset.
  void detach();

  HostId host() const { return host_; }
  Process& process() { return process_; }
  bool up() const;

  // Ends one in so many streams (1: all), as a load balancer's restart would.
  void break_streams(uint32_t one_in);
  // While stalled, streams are open but silent: the nastiest of watch faults.
  void set_stalled(bool stalled);
  // Segments that were held back by a cut or a stall go out.
  void flush_held();
  std::size_t open_streams() const { return streams_.size(); }

 private:
  friend class ApiLink;
  class Stream;
  struct Inflight {
    ApiLink* link;
    uint32_t life;
    uint64_t call;
  };

  void receive(ApiLink& link, uint32_t life, uint64_t call, api::Request&& request);
  void reply(uint64_t inflight, api::Response response);
  void open(ApiLink& link, uint32_t life, uint64_t stream, api::WatchRequest request);
  void close(uint64_t stream);

  ApiFabric& fabric_;
  Process& process_;
  HostId host_;
  apiserver::ApiServer* server_ = nullptr;
  bool stalled_ = false;
  uint64_t next_inflight_ = 1;
  std::map<uint64_t, Inflight> inflight_;
  std::map<uint64_t, std::unique_ptr<Stream>> streams_;
};

// The client side: one per client process, kept through its lives so that messages still under way
// find it; reset() forgets everything at a kill.
class ApiLink final : public client::ApiClient {
 public:
  // `preferred` chooses the API server to begin with; the link moves on when that one fails.
  ApiLink(ApiFabric& fabric, Process& process, HostId host, uint32_t preferred);
  ~ApiLink();

  void call(api::Request request, Callback<void(api::Response)> done) override;
  api::WatchId watch(api::WatchRequest request, api::WatchSink& sink) override;
  void unwatch(api::WatchId watch) override;

  // The process was killed: nothing is called back any more, the servers see the streams end.
  void reset();
  // Only this endpoint from now on (an actor that talks to a stale server).
  void pin(uint32_t endpoint) { current_ = endpoint; pinned_ = true; }
  void unpin() { pinned_ = false; }
  Process& process() { return process_; }
  HostId host() const { return host_; }

 private:
  friend class ApiEndpoint;
  friend class ApiEndpoint::Stream;
  struct Pending {
    Callback<void(api::Response)> done;
    Instant deadline;
    uint32_t endpoint;
    std::unique_ptr<api::Request> request;  // kept where the observer wants to see the answer
  };
  struct ClientStream {
    api::WatchSink* sink;
    uint32_t endpoint;
  };

  void finish(uint64_t call, api::Response response);
  void fail_over(uint32_t from);
  void expire();
  void deliver_events(uint64_t stream, std::span<const api::WatchEvent> events);
  void deliver_close(uint64_t stream);

  ApiFabric& fabric_;
  Process& process_;
  HostId host_;
  uint32_t current_;
  bool pinned_ = false;
  uint64_t next_call_ = 1;
  std::map<uint64_t, Pending> pending_;  // by call number, so by deadline
  std::map<uint64_t, ClientStream> streams_;
  Timer expiry_;
  bool expiry_armed_ = false;
};

}  // namespace keelson::sim
