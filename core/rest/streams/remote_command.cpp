#include "core/rest/streams/remote_command.hpp"

#include <boost/json/value.hpp>

#include "core/api/json_text.hpp"
#include "core/rest/streams/answers.hpp"

namespace keelson::rest {

namespace {

std::string exit_message(int32_t code, const std::vector<std::string>& command) {
  std::string text = "command terminated with non-zero exit code: ";
  if (command.empty()) return text + "exit status " + std::to_string(code);
  text += "error executing command [";
  for (std::size_t i = 0; i < command.size(); ++i) text += (i == 0 ? "" : " ") + command[i];
  return text + "], exit code " + std::to_string(code);
}

std::string trouble_message(const Error& error) {
  return "error executing command in container: " + error.message;
}

}  // namespace

std::string command_status(const Result<int32_t>& code, const std::vector<std::string>& command) {
  if (code.ok() && *code == 0) return R"({"metadata":{},"status":"Success"})";
  std::string out = R"({"metadata":{},"status":"Failure","message":)";
  if (code.ok()) {
    api::append_json_string(exit_message(*code, command), out);
    return out + R"(,"reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":")" +
           std::to_string(*code) + R"("}]}})";
  }
  const std::string why = trouble_message(code.error());
  api::append_json_string("Internal error occurred: " + why, out);
  out += R"(,"reason":"InternalError","details":{"causes":[{"message":)";
  api::append_json_string(why, out);
  return out + R"(}]},"code":500})";
}

std::string command_status_text(const Result<int32_t>& code,
                                const std::vector<std::string>& command) {
  if (!code.ok()) return "Internal error occurred: " + trouble_message(code.error());
  return *code == 0 ? std::string() : exit_message(*code, command);
}

bool parse_terminal_size(std::string_view json, uint16_t& columns, uint16_t& rows) {
  const api::ParsedJson parsed = api::parse_json(json, nullptr);
  if (!parsed.error.empty() || !parsed.value.is_object()) return false;
  const auto number = [&](const char* name, uint16_t& into) {
    const boost::json::value* value = parsed.value.get_object().if_contains(name);
    if (value == nullptr || !value->is_int64()) return false;
    if (value->get_int64() < 0 || value->get_int64() > UINT16_MAX) return false;
    into = static_cast<uint16_t>(value->get_int64());
    return true;
  };
  return number("Width", columns) && number("Height", rows);
}

RemoteCommand::RemoteCommand(Keeper& keeper, Call call, Upgrade upgrade)
    : keeper_(keeper), call_(std::move(call)), upgrade_(std::move(upgrade)) {}

void RemoteCommand::begin(agent::ContainerStreams& node, ExchangePtr exchange) {
  exchange_ = std::move(exchange);
  keeper_.keep(shared_from_this());
  exchange_->on_gone([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->session_.reset();
    self->exchange_.reset();
    self->keeper_.release(self.get());
  });
  session_ = call_.attach ? node.attach(call_.container, call_.options, from_node_)
                          : node.exec(call_.container, call_.options, from_node_);
}

void RemoteCommand::node_opened() {
  const auto self = shared_from_this();
  const ExchangePtr exchange = std::move(exchange_);
  keeper_.release(this);
  if (exchange) exchange->upgrade(std::move(upgrade_), self);
}

void RemoteCommand::node_output(agent::Output which, std::string_view data) {
  if (pipe_ == nullptr) return;
  const bool wanted = which == agent::Output::standard ? options().output : options().errors;
  if (wanted && !data.empty()) send_output(which, data);
  if (session_ && pipe_ != nullptr && pipe_->blocked()) session_->pause(true);
}

void RemoteCommand::node_writable() {
  if (pipe_ != nullptr) pipe_->pause_reading(false);
}

void RemoteCommand::node_exit(Result<int32_t> code) {
  const auto self = shared_from_this();
  session_.reset();
  if (exchange_) {
    // It never began: the answer is an ordinary one.
    const ExchangePtr exchange = std::move(exchange_);
    if (!code.ok() && code.code() == Code::unavailable) {
      answer_unreachable(*exchange, "error dialing backend: " + code.error().message);
    } else {
      answer_text(*exchange, code.code() == Code::invalid ? 400 : 500,
                  code.ok() ? "the command has ended" : code.error().message);
    }
    keeper_.release(this);
    return;
  }
  if (pipe_ != nullptr) send_end(code);
  pipe_ = nullptr;
}

void RemoteCommand::on_open(Pipe& pipe) {
  pipe_ = &pipe;
  opened();
}

void RemoteCommand::on_data(std::string_view data) {
  if (pipe_ == nullptr) return;
  const auto self = shared_from_this();
  received(data);
}

void RemoteCommand::on_writable() {
  if (session_ && started_) session_->pause(false);
}

void RemoteCommand::on_closed() {
  pipe_ = nullptr;
  session_.reset();
  lost();
}

void RemoteCommand::start_command() {
  if (started_ || !session_) return;
  started_ = true;
  session_->start();
}

void RemoteCommand::input(std::string_view data) {
  if (!session_ || !options().input || data.empty()) return;
  session_->write(std::string(data));
  if (pipe_ != nullptr && session_->blocked()) pipe_->pause_reading(true);
}

void RemoteCommand::end_of_input() {
  if (session_ && options().input) session_->end_input();
}

void RemoteCommand::resize(uint16_t columns, uint16_t rows) {
  if (session_ && options().tty) session_->resize(columns, rows);
}

void RemoteCommand::hang_up() {
  session_.reset();
  if (pipe_ != nullptr) std::exchange(pipe_, nullptr)->close();
}

}  // namespace keelson::rest
