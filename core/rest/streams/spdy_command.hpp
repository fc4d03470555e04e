// exec and attach over SPDY/3.1: the client opens a stream for each of error (the status), stdin,
// stdout, stderr and, from v3 on with a terminal, resize; the command starts when all are there.
#pragma once

#include <array>
#include <optional>

#include "core/base/loop.hpp"
#include "core/rest/streams/remote_command.hpp"
#include "core/rest/streams/spdy_connection.hpp"

namespace keelson::rest {

// The version to speak with a client that offers these (X-Stream-Protocol-Version). None offered: 1, as
// the first clients did. v5 differs from v4 in WebSocket only and is taken when nothing else is offered.
// Nothing: none is known.
std::optional<int> choose_command_version(const std::vector<std::string>& offered);
std::string command_protocol(int version);  // "v4.channel.k8s.io"; 1 is "channel.k8s.io"

class SpdyCommand final : public RemoteCommand, private spdy::StreamUser {
 public:
  SpdyCommand(Keeper& keeper, Call call, int version, Loop& loop);

  // As kubelet's: a client that has not opened its streams by then is hung up on.
  static constexpr Duration kStreamsWithin = 30s;

 private:
  enum Role : uint8_t { status, input_stream, output_stream, errors_stream, resize_stream, roles };
  static std::optional<Role> role_of(std::string_view stream_type);
  bool wanted(Role role) const;
  std::optional<Role> role_of(uint32_t stream) const;

  void opened() override;
  void received(std::string_view data) override { connection_.feed(data); }
  void send_output(agent::Output which, std::string_view data) override;
  void send_end(const Result<int32_t>& code) override;
  void lost() override;

  bool on_stream(uint32_t stream, const spdy::Headers& headers) override;
  void on_stream_data(uint32_t stream, std::string_view part) override;
  void on_stream_end(uint32_t stream, bool broken) override;

  int version_;
  spdy::Connection connection_;
  std::array<uint32_t, roles> streams_{};  // 0: not there yet
  std::string resize_text_;                // sizes come as a run of JSON objects
  Timer patience_;
};

}  // namespace keelson::rest
