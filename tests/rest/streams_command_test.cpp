// exec and attach over every protocol, with a node that the test plays.
#include "core/rest/streams/spdy_command.hpp"
#include "core/rest/streams/websocket_command.hpp"
#include "tests/rest/streams_fixture.hpp"

namespace keelson::rest {
namespace {

constexpr const char* kCommand = "command=sh&command=-c&command=exit%207";
constexpr const char* kSuccess = R"({"metadata":{},"status":"Success"})";

class CommandTest : public StreamsTest {};

TEST_F(CommandTest, WhatMakesNoSenseIsRefusedBeforeTheUpgrade) {
  call("exec", "nope", "command=a&stdout=true", websocket("v5.channel.k8s.io"));
  expect_error(404, R"(pods \"nope\" not found)");
  call("exec", "waiting", "command=a&stdout=true", websocket("v5.channel.k8s.io"));
  expect_error(400, "pod waiting does not have a host assigned");
  call("exec", "pair", "command=a&stdout=true", websocket("v5.channel.k8s.io"));
  expect_error(400, "a container name must be specified for pod pair, choose one of: [a b]");
  call("exec", "web", "command=a&stdout=true&container=x", websocket("v5.channel.k8s.io"));
  expect_error(400, "container x is not valid for pod web");
  call("exec", "web", "command=a", websocket("v5.channel.k8s.io"));
  expect_error(400, "you must specify at least 1 of stdin, stdout, stderr");
  call("exec", "web", "command=a&stdout=0&stderr=false", websocket("v5.channel.k8s.io"));
  expect_error(400, "you must specify at least 1 of stdin, stdout, stderr");
  call("exec", "web", "stdout=true", websocket("v5.channel.k8s.io"));
  expect_error(400, "you must specify at least one command");
  call("exec", "web", "command=a&stdout=true");
  expect_error(400, "Upgrade request required");
  call("exec", "web", "command=a&stdout=true", websocket("chat"));
  expect_error(400, "requested protocol(s) are not supported");
  call("exec", "web", "command=a&stdout=true", spdy({"v9.channel.k8s.io"}), "POST");
  expect_error(403, "unable to negotiate protocol: client supports [v9.channel.k8s.io]");
  call("exec", "web", "command=a&stdout=true", {}, "PUT");
  expect_error(405, "does not allow this method");
  call("exec", "lost", "command=a&stdout=true", websocket("v5.channel.k8s.io"));
  expect_error(500, "dial tcp: lookup elsewhere: no such host");
  EXPECT_FALSE(exchange_->upgraded);
}

TEST_F(CommandTest, ANodeThatRefusesIsAnOrdinaryAnswer) {
  node_.refusal = Status(Code::unavailable, "dial tcp 172.16.0.1:10250: connect: connection refused");
  call("exec", "web", "command=a&stdout=true", websocket("v5.channel.k8s.io"));
  expect_error(500, "error dialing backend: dial tcp 172.16.0.1:10250: connect: connection refused");
  EXPECT_EQ(exchange_->body().find("reason"), std::string::npos);
  node_.refusal = Status(Code::not_found, "container not found (\"main\")");
  call("exec", "web", "command=a&stdout=true", spdy({"v4.channel.k8s.io"}), "POST");
  expect_error(500, "container not found (\"main\")");
}

TEST_F(CommandTest, WebSocketV5CarriesEverything) {
  call("exec", "web", std::string(kCommand) + "&stdin=true&stdout=true&stderr=true",
       websocket("v5.channel.k8s.io"));
  ASSERT_TRUE(exchange_->upgraded);
  EXPECT_TRUE(exchange_->upgraded->websocket);
  EXPECT_EQ(exchange_->upgraded->protocol, "v5.channel.k8s.io");
  EXPECT_EQ(node_.command.command, (std::vector<std::string>{"sh", "-c", "exit 7"}));
  EXPECT_EQ(node_.where.container, "main");
  ASSERT_TRUE(node_.session->started);

  client_sends(std::string("\0in", 3));
  client_sends(std::string("\0put", 4));
  EXPECT_EQ(node_.session->input, "input");
  client_sends("\xff" + std::string(1, '\0'));
  EXPECT_TRUE(node_.session->input_ended);

  node_.command_user->on_output(agent::Output::standard, "out");
  node_.command_user->on_output(agent::Output::error, "err");
  node_.command_user->on_exit(int32_t{7});
  EXPECT_EQ(pipe().sent,
            (std::vector<std::string>{
                "\x01out", "\x02" "err",
                "\x03" R"({"metadata":{},"status":"Failure","message":"command terminated with non-zero )"
                R"(exit code: error executing command [sh -c exit 7], exit code 7","reason":)"
                R"("NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}})"}));
  EXPECT_TRUE(pipe().closed);
  EXPECT_EQ(node_.session, nullptr);
  exchange_->user->on_closed();
}

TEST_F(CommandTest, ATerminalHasASizeAndNoErrors) {
  call("exec", "web", "command=sh&stdin=1&stdout=1&stderr=1&tty=1", websocket("v5.channel.k8s.io"));
  ASSERT_NE(node_.session, nullptr);
  EXPECT_TRUE(node_.command.tty);
  EXPECT_FALSE(node_.command.errors);
  client_sends("\x04{\"Width\":120,\"Height\":40}");
  EXPECT_EQ(node_.session->size, (std::pair{120, 40}));
  for (const char* bad : {"\x04{", "\x04{\"Width\":-1,\"Height\":70000}", "\x04[]", "\x04", "\x09x"}) {
    client_sends(bad);
  }
  EXPECT_EQ(node_.session->size, (std::pair{120, 40}));
  EXPECT_FALSE(pipe().closed);
}

TEST_F(CommandTest, OlderWebSocketsSpeakTheirWay) {
  call("exec", "web", "command=a&stdout=1", websocket("channel.k8s.io"));
  EXPECT_EQ(pipe().sent, (std::vector<std::string>{"\x01"})) << "the streams are there";
  node_.command_user->on_exit(int32_t{0});
  EXPECT_EQ(pipe().sent.size(), 1u) << "before v4 success is silent";
  EXPECT_TRUE(pipe().closed);

  call("exec", "web", "command=a&stderr=1", websocket(""));
  EXPECT_EQ(exchange_->upgraded->protocol, "");
  node_.command_user->on_exit(int32_t{3});
  EXPECT_EQ(pipe().sent, (std::vector<std::string>{
                             "\x02",
                             "\x03"
                             "command terminated with non-zero exit code: error executing command "
                             "[a], exit code 3"}));

  call("exec", "web", "command=a&stdin=1&stdout=1", websocket("x, v4.base64.channel.k8s.io"));
  EXPECT_TRUE(exchange_->upgraded->text);
  client_sends("0aGk=");
  EXPECT_EQ(node_.session->input, "hi");
  node_.command_user->on_output(agent::Output::standard, "out");
  EXPECT_EQ(pipe().sent, (std::vector<std::string>{"1", "1b3V0"}));
  client_sends("0%%%");
  EXPECT_TRUE(pipe().closed) << "what is no base64 ends it";
  EXPECT_EQ(node_.session, nullptr);
}

TEST_F(CommandTest, ManyProtocolsOfferedTheFirstThatIsKnownIsTaken) {
  EXPECT_EQ(choose_channel_protocol("v5.channel.k8s.io,v4.channel.k8s.io", 1, 5)->version, 5);
  EXPECT_EQ(choose_channel_protocol("v5.channel.k8s.io,v4.channel.k8s.io", 4, 4)->version, 4);
  EXPECT_EQ(choose_channel_protocol("v9.channel.k8s.io,channel.k8s.io", 1, 5)->version, 1);
  EXPECT_FALSE(choose_channel_protocol("v5.chan", 1, 5));
  EXPECT_EQ(choose_command_version({}), 1);
  EXPECT_EQ(choose_command_version({"v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io"}), 4);
  EXPECT_EQ(choose_command_version({"v5.channel.k8s.io"}), 5);
  EXPECT_EQ(choose_command_version({"v2.channel.k8s.io"}), 2);
}

TEST_F(CommandTest, SpdyWaitsForItsStreams) {
  call("exec", "web", "command=cat&stdin=true&stdout=true&stderr=true",
       spdy({"v4.channel.k8s.io", "v3.channel.k8s.io"}), "POST");
  ASSERT_TRUE(exchange_->upgraded);
  EXPECT_FALSE(exchange_->upgraded->websocket);
  EXPECT_EQ(exchange_->upgraded->protocol, "SPDY/3.1");
  EXPECT_EQ(exchange_->upgraded->headers[0].value, "v4.channel.k8s.io");

  SpdyClient client;
  client_sends(client.encoder.syn_stream(1, {{"streamType", "error"}}));
  client_sends(client.encoder.syn_stream(3, {{"streamType", "stdin"}}));
  client_sends(client.encoder.syn_stream(5, {{"streamType", "stdout"}}));
  client_sends(client.encoder.syn_stream(7, {{"streamType", "nonsense"}}));
  client_sends(client.encoder.syn_stream(9, {{"streamType", "stdin"}}));
  EXPECT_FALSE(node_.session->started);
  client_sends(client.encoder.syn_stream(11, {{"streamType", "stderr"}}));
  EXPECT_TRUE(node_.session->started);
  client_sends(spdy::Encoder::data(3, "hello") + spdy::Encoder::ping(1) + spdy::Encoder::data(3, "", true));
  EXPECT_EQ(node_.session->input, "hello");
  EXPECT_TRUE(node_.session->input_ended);

  node_.command_user->on_output(agent::Output::standard, "out");
  node_.command_user->on_output(agent::Output::error, "err");
  node_.command_user->on_exit(int32_t{0});
  client.read(pipe());
  EXPECT_EQ(client.replied, (std::vector<uint32_t>{1, 3, 5, 7, 9, 11}));
  EXPECT_EQ(client.reset, (std::vector<uint32_t>{7, 9}));
  EXPECT_EQ(client.pings, (std::vector<uint32_t>{1}));
  EXPECT_EQ(client.data[5], "out");
  EXPECT_EQ(client.data[11], "err");
  EXPECT_EQ(client.data[1], kSuccess);
  EXPECT_TRUE(client.has_finished(1) && client.has_finished(5) && client.has_finished(11));
  EXPECT_TRUE(client.goaway);
  EXPECT_TRUE(pipe().closed);
}

TEST_F(CommandTest, SpdyTerminalsSendSizesAsARun) {
  call("attach", "web", "stdin=true&stdout=true&tty=true", spdy({"v3.channel.k8s.io"}), "POST");
  EXPECT_TRUE(node_.attached);
  SpdyClient client;
  uint32_t stream = 1;
  for (const char* type : {"error", "stdin", "stdout", "resize"}) {
    client_sends(client.encoder.syn_stream(stream, {{"streamType", type}}));
    stream += 2;
  }
  ASSERT_TRUE(node_.session->started);
  client_sends(spdy::Encoder::data(7, "{\"Width\":80,\"Height\":24}\n{\"Wid"));
  EXPECT_EQ(node_.session->size, (std::pair{80, 24}));
  client_sends(spdy::Encoder::data(7, "th\":81,\"Height\":25}\n"));
  EXPECT_EQ(node_.session->size, (std::pair{81, 25}));
  node_.command_user->on_exit(Error{Code::unavailable, "it broke"});
  client.read(pipe());
  EXPECT_EQ(client.data[1], "Internal error occurred: error executing command in container: it broke");
}

TEST_F(CommandTest, AClientThatOpensNoStreamsIsHungUpOn) {
  call("exec", "web", "command=a&stdout=true", spdy({"v4.channel.k8s.io"}), "POST");
  loop_.run_for(29s);
  EXPECT_FALSE(pipe().closed);
  loop_.run_for(2s);
  EXPECT_TRUE(pipe().closed);
  EXPECT_EQ(node_.session, nullptr);
  exchange_->user->on_closed();
}

TEST_F(CommandTest, GarbageEndsTheConnection) {
  call("exec", "web", "command=a&stdout=true", spdy({"v4.channel.k8s.io"}), "POST");
  client_sends("GET / HTTP/1.1\r\n\r\n\x80\x99\x99\x99\x99\x99\x99\x99");
  client_sends(std::string("\x80\x07\x00\x01\x00\x00\x00\x04zzzz", 12));
  exchange_->user->on_closed();
  EXPECT_EQ(node_.session, nullptr);
}

TEST_F(CommandTest, FullBuffersStopTheOtherSide) {
  call("exec", "web", "command=a&stdin=1&stdout=1", websocket("v5.channel.k8s.io"));
  pipe().is_blocked = true;
  node_.command_user->on_output(agent::Output::standard, "x");
  EXPECT_TRUE(node_.session->paused);
  exchange_->user->on_writable();
  EXPECT_FALSE(node_.session->paused);
  node_.session->is_blocked = true;
  client_sends(std::string("\0x", 2));
  EXPECT_TRUE(pipe().reading_paused);
  node_.command_user->on_writable();
  EXPECT_FALSE(pipe().reading_paused);
}

TEST_F(CommandTest, AClientThatGoesAwayTakesItsCommandAlong) {
  call("exec", "web", "command=a&stdout=1", websocket("v5.channel.k8s.io"));
  ASSERT_NE(node_.session, nullptr);
  exchange_->user->on_closed();
  EXPECT_EQ(node_.session, nullptr);

  // Also while it waits for the node.
  exchange_ = std::make_shared<FakeExchange>();
  StreamCall early;
  early.ns = "default";
  early.name = "web";
  early.request.method = "GET";
  early.request.target = "/exec?command=a&stdout=1";
  early.request.headers = websocket("v5.channel.k8s.io");
  early.exchange = exchange_;
  FakeNode silent(loop_);
  subresources_.serve(api::Kind::pods, "exec", std::move(early));
  exchange_->gone ? exchange_->gone() : void();
  loop_.settle();
}

}  // namespace
}  // namespace keelson::rest
