#include "core/rest/streams/port_forward.hpp"

#include "core/rest/streams/answers.hpp"

namespace keelson::rest {

// One connection into the pod.
class PortForward::Link final : public agent::ByteStreamUser {
 public:
  Link(PortForward& owner, uint32_t id, uint16_t port)
      : owner_(owner), id_(id), port_(port), stream_(owner.node_.connect(owner.pod_, port, *this)) {}

  void on_open() override {}
  void on_bytes(std::string_view data) override { owner_.link_bytes(id_, data); }
  void on_writable() override { owner_.adjust_reading(); }
  void on_end(Status why) override { owner_.link_end(id_, std::move(why)); }

  agent::ByteStream& stream() { return *stream_; }
  uint16_t port() const { return port_; }

  bool client_ended = false, pod_ended = false;

 private:
  PortForward& owner_;
  uint32_t id_;
  uint16_t port_;
  std::unique_ptr<agent::ByteStream> stream_;
};

PortForward::PortForward(Keeper& keeper, agent::ContainerStreams& node, api::Ref<api::Pod> pod,
                         Upgrade upgrade)
    : keeper_(keeper), node_(node), pod_(std::move(pod)), upgrade_(std::move(upgrade)) {}

PortForward::~PortForward() = default;

void PortForward::begin(ExchangePtr exchange) {
  exchange_ = std::move(exchange);
  keeper_.keep(shared_from_this());
  exchange_->on_gone([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->exchange_.reset();
    self->keeper_.release(self.get());
  });
  node_.find_pod(pod_, [weak = weak_from_this()](Result<Unit> found) {
    const auto self = weak.lock();
    if (!self || !self->exchange_) return;
    const ExchangePtr exchange = std::move(self->exchange_);
    self->keeper_.release(self.get());
    if (found) {
      exchange->upgrade(std::move(self->upgrade_), self);
    } else if (found.code() == Code::unavailable) {
      answer_unreachable(*exchange, "error dialing backend: " + found.error().message);
    } else {
      answer_text(*exchange, 500, found.error().message);
    }
  });
}

void PortForward::connect(uint32_t id, uint16_t port) {
  links_[id] = std::make_unique<Link>(*this, id, port);
}

void PortForward::to_pod(uint32_t id, std::string_view data) {
  const auto link = links_.find(id);
  if (link == links_.end() || data.empty()) return;
  link->second->stream().send(std::string(data));
  adjust_reading();
}

void PortForward::end_to_pod(uint32_t id) {
  const auto link = links_.find(id);
  if (link == links_.end() || link->second->client_ended) return;
  link->second->client_ended = true;
  link->second->stream().end();
  if (link->second->pod_ended) disconnect(id);
}

void PortForward::disconnect(uint32_t id) {
  links_.erase(id);
  adjust_reading();
}

void PortForward::link_bytes(uint32_t id, std::string_view data) {
  if (pipe_ == nullptr) return;
  from_pod(id, data);
  if (pipe_ != nullptr && pipe_->blocked()) {
    for (auto& [other, link] : links_) link->stream().pause(true);
  }
}

void PortForward::link_end(uint32_t id, Status why) {
  const auto self = shared_from_this();
  const auto link = links_.find(id);
  if (link == links_.end()) return;
  link->second->pod_ended = true;
  std::string trouble;
  if (!why.ok()) {
    trouble = "error forwarding port " + std::to_string(link->second->port()) + " to pod " +
              pod_.name() + ", uid " + pod_.uid() + ": " + why.message();
  }
  const bool done = !why.ok() || link->second->client_ended;
  if (done) disconnect(id);
  if (pipe_ != nullptr) pod_ended(id, trouble);
}

// The client's connection is one; if one pod's end is full, all of it must wait.
void PortForward::adjust_reading() {
  if (pipe_ == nullptr) return;
  bool full = false;
  for (auto& [id, link] : links_) full = full || link->stream().blocked();
  if (full != reading_paused_) pipe_->pause_reading(full);
  reading_paused_ = full;
}

void PortForward::on_open(Pipe& pipe) {
  pipe_ = &pipe;
  opened();
}

void PortForward::on_data(std::string_view data) {
  const auto self = shared_from_this();
  if (pipe_ != nullptr) received(data);
}

void PortForward::on_writable() {
  for (auto& [id, link] : links_) link->stream().pause(false);
}

void PortForward::on_closed() {
  pipe_ = nullptr;
  links_.clear();
  lost();
}

}  // namespace keelson::rest
