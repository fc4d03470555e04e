#include "runtime/process/peer_prober.hpp"

#include <boost/asio/ip/tcp.hpp>

#include "core/base/loop.hpp"

namespace keelson::runtime {

using boost::asio::ip::tcp;

namespace {

constexpr Duration kProbePatience = 1s;

// One connection attempt; keeps itself alive until it has told its result.
struct Attempt : std::enable_shared_from_this<Attempt> {
  Attempt(AsioLoop& loop, Callback<void(bool)> done_in)
      : socket(loop.context()), timer(loop, [this] { tell(false); }), done(std::move(done_in)) {}

  void start(const tcp::endpoint& to) {
    self = shared_from_this();
    timer.arm(kProbePatience);
    socket.async_connect(to, [keep = self](const boost::system::error_code& error) {
      keep->tell(!error || error == boost::asio::error::connection_refused);
    });
  }
  void tell(bool reachable) {
    if (!done) return;
    const auto keep = std::exchange(self, nullptr);
    timer.disarm();
    auto told = std::move(done);
    boost::system::error_code ignored;
    socket.close(ignored);
    told(reachable);
  }

  tcp::socket socket;
  Timer timer;
  Callback<void(bool)> done;
  std::shared_ptr<Attempt> self;
};

tcp::endpoint endpoint_of(const api::Node& node, boost::system::error_code& error) {
  for (const auto& address : node.status().addresses()) {
    if (address.type() != "InternalIP") continue;
    const int port = node.status().daemon_endpoints().kubelet_endpoint().port();
    return {boost::asio::ip::make_address(address.address(), error),
            static_cast<uint16_t>(port != 0 ? port : 10250)};
  }
  error = boost::asio::error::host_not_found;
  return {};
}

}  // namespace

TcpPeerProber::TcpPeerProber(AsioLoop& loop, client::ApiClient& client, std::string user)
    : loop_(loop), client_(client), user_(std::move(user)) {}
TcpPeerProber::~TcpPeerProber() = default;

void TcpPeerProber::probe(const std::string& node, Callback<void(bool)> done) {
  api::Request request = api::list(api::Kind::nodes);
  request.field_selector = "metadata.name=" + node;
  request.user = user_;
  client_.call(std::move(request), [this, alive = std::weak_ptr<char>(life_),
                                    done = std::move(done)](api::Response response) mutable {
    if (alive.expired()) return;
    boost::system::error_code error = boost::asio::error::host_not_found;
    tcp::endpoint to;
    if (response.ok() && !response.items.empty()) {
      error = {};
      to = endpoint_of(response.items.front()->as<api::Node>(), error);
    }
    if (error) return done(false);
    std::make_shared<Attempt>(loop_, std::move(done))->start(to);
  });
}

}  // namespace keelson::runtime
