// Keeps a node's certificates valid: asks for the one that its endpoint serves with and the one under which
// its network is made, and for all anew before they end. A certificate and its key stand in one file, so that
// both change at once. A request that is refused is repeated after 5 s, 10 s, ... 10 minutes; when the API
// server cannot be asked, every 5 s.
//
// Source of the times: kubelet's certificate manager, which renews between 70 and 90 % of the lifetime.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/log.hpp"
#include "core/base/loop.hpp"
#include "core/base/rng.hpp"
#include "core/client/api_client.hpp"
#include "runtime/pki/certificate.hpp"

namespace keelson::runtime {

struct NodeCertificatesOptions {
  std::string node;
  std::string directory;           // client.pem, server.pem, network.pem
  std::vector<std::string> names;  // of the serving certificate
};

class NodeCertificates {
 public:
  enum class Which { client, server, network };

  NodeCertificates(Loop& loop, client::ApiClient& client, Rng rng, Log& log,
                   NodeCertificatesOptions options);
  ~NodeCertificates();

  // `on_valid` is called when a certificate is there and valid: at the start, and after each renewal.
  void start(std::function<void(Which, const std::string& pem)> on_valid);

 private:
  struct Kept;
  std::string file_of(Which which) const;
  void check(Kept& kept);
  void request(Kept& kept);
  void wait_for(Kept& kept);
  void issued(Kept& kept, const std::string& certificate);
  void later(Kept& kept, Duration after);

  Loop& loop_;
  client::ApiClient& client_;
  Rng rng_;
  Log& log_;
  const NodeCertificatesOptions options_;
  std::function<void(Which, const std::string& pem)> on_valid_;
  std::vector<std::unique_ptr<Kept>> kept_;
  std::shared_ptr<char> life_ = std::make_shared<char>();
};

}  // namespace keelson::runtime
