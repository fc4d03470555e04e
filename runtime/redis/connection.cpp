#include "runtime/redis/connection.hpp"

#include <fcntl.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <signal.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <charconv>
#include <deque>
#include <optional>
#include <utility>

namespace keelson::redis {

namespace asio = boost::asio;

uint64_t number_of(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

uint64_t Reply::number(std::size_t i) const {
  if (i >= items.size()) return 0;
  return items[i].type == Type::integer ? static_cast<uint64_t>(items[i].integer)
                                        : number_of(items[i].text);
}

namespace {

Reply copy(const redisReply& from) {
  Reply reply;
  switch (from.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      reply.type = Reply::Type::text;
      reply.text.assign(from.str, from.len);
      break;
    case REDIS_REPLY_ERROR:
      reply.type = Reply::Type::error;
      reply.text.assign(from.str, from.len);
      break;
    case REDIS_REPLY_INTEGER:
      reply.type = Reply::Type::integer;
      reply.integer = from.integer;
      break;
    case REDIS_REPLY_ARRAY:
      reply.type = Reply::Type::array;
      reply.items.reserve(from.elements);
      for (std::size_t i = 0; i < from.elements; ++i) reply.items.push_back(copy(*from.element[i]));
      break;
    default: break;
  }
  return reply;
}

// hiredis writes with write(2): to a server that has just gone that is a signal, which would end
// the process. Unless somebody else has decided about it, it is ignored from the first connection
// on.
void ignore_broken_pipes() {
  struct sigaction now {};
  if (sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) signal(SIGPIPE, SIG_IGN);
}

std::string to_text(Duration time) {
  return std::to_string(time / std::chrono::milliseconds(1)) + " ms";
}

}  // namespace

// hiredis asks for readiness through five hooks; an asio descriptor on the same file provides it.
// Everything that hiredis calls back may end the connection, so Impl is held while it runs.
struct Connection::Impl : std::enable_shared_from_this<Connection::Impl> {
  Impl(runtime::AsioLoop& loop, Duration patience_allowed)
      : descriptor(loop.context()),
        patience(patience_allowed),
        silence(loop, [this] { listen(); }),
        posts(loop) {}

  asio::posix::stream_descriptor descriptor;
  redisAsyncContext* context = nullptr;
  bool reading = false, read_armed = false;
  bool writing = false, write_armed = false;
  bool is_open = false;
  Duration patience;
  Instant heard{};  // when a byte came last, or the first of the calls under way was made
  Timer silence;    // armed while there are any
  runtime::AsioLoop& posts;
  std::deque<Done<Reply>> waiting;
  Callback<void()> on_open;
  Callback<void(Error)> on_lost;

  static Impl& of(void* data) { return *static_cast<Impl*>(data); }

  void dial(const Address& address) {
    context = address.socket.empty() ? redisAsyncConnect(address.tcp.host.c_str(), address.tcp.port)
                                     : redisAsyncConnectUnix(address.socket.c_str());
    if (!context || context->err) {
      std::string why = context ? context->errstr : "out of memory";
      if (context) redisAsyncFree(std::exchange(context, nullptr));
      return lose_later(why);
    }
    fcntl(context->c.fd, F_SETFD, FD_CLOEXEC);  // hiredis leaves it to every child otherwise
    boost::system::error_code error;
    descriptor.assign(context->c.fd, error);
    if (error) {
      redisAsyncFree(std::exchange(context, nullptr));
      return lose_later(error.message());
    }
    context->data = this;
    context->ev.data = this;
    context->ev.addRead = [](void* data) { of(data).want_read(true); };
    context->ev.delRead = [](void* data) { of(data).want_read(false); };
    context->ev.addWrite = [](void* data) { of(data).want_write(true); };
    context->ev.delWrite = [](void* data) { of(data).want_write(false); };
    context->ev.cleanup = [](void* data) { of(data).forget_descriptor(); };
    redisAsyncSetDisconnectCallback(context, [](const redisAsyncContext* c, int) {
      Impl& self = of(c->data);
      self.context = nullptr;  // hiredis frees it after this
      self.lose(c->errstr && *c->errstr ? c->errstr : "the connection was closed");
    });
    redisAsyncSetConnectCallback(context, [](const redisAsyncContext* c, int status) {
      Impl& self = of(c->data);
      if (status == REDIS_OK) return;
      self.context = nullptr;
      self.lose(c->errstr);
    });
    // The first command also is what tells that the connection stands.
    const Arguments hello = address.password.empty() ? Arguments{"PING"}
                            : address.user.empty()
                                ? Arguments{"AUTH", address.password}
                                : Arguments{"AUTH", address.user, address.password};
    call(hello, [this](Result<Reply> reply) {
      if (!reply) return;  // lost, and told so
      if (reply->is_error()) return lose(reply->text);
      is_open = true;
      // The owner may end this from inside.
      if (Callback<void()> tell = std::exchange(on_open, nullptr)) tell();
    });
  }

  void call(const Arguments& arguments, Done<Reply> done) {
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const std::string& argument : arguments) {
      texts.push_back(argument.data());
      sizes.push_back(argument.size());
    }
    if (waiting.empty()) {
      heard = posts.now();
      silence.arm_by(patience);
    }
    waiting.push_back(std::move(done));
    redisAsyncCommandArgv(
        context,
        [](redisAsyncContext* c, void* raw, void*) {
          // Null: the connection is going, and lose() answers for all that wait.
          if (raw && c->data) of(c->data).answer(copy(*static_cast<redisReply*>(raw)));
        },
        nullptr, static_cast<int>(texts.size()), texts.data(), sizes.data());
  }

  void answer(Reply reply) {
    if (waiting.empty()) return;
    Done<Reply> done = std::move(waiting.front());
    waiting.pop_front();
    done(std::move(reply));
  }

  // A long answer is on its way as long as some of it comes.
  void listen() {
    if (waiting.empty()) return;
    const Duration quiet = posts.now() - heard;
    if (quiet >= patience) return lose("no answer within " + to_text(patience));
    silence.arm(patience - quiet);
  }

  void want_read(bool want) {
    reading = want;
    if (!reading || read_armed) return;
    read_armed = true;
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            self->read_armed = false;
                            if (error || !self->context || !self->reading) return;
                            self->heard = self->posts.now();
                            redisAsyncHandleRead(self->context);
                            if (self->context && self->reading) self->want_read(true);
                          });
  }
  void want_write(bool want) {
    writing = want;
    if (!writing || write_armed) return;
    write_armed = true;
    descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            self->write_armed = false;
                            if (error || !self->context || !self->writing) return;
                            redisAsyncHandleWrite(self->context);
                            if (self->context && self->writing) self->want_write(true);
                          });
  }
  // The file is hiredis' to close.
  void forget_descriptor() {
    reading = writing = false;
    if (descriptor.is_open()) descriptor.release();
  }

  // Tells the owner, so that nobody tries to use this connection, then answers all that wait; from
  // here on nothing happens any more.
  void lose(std::string why) {
    const auto self = shared_from_this();
    is_open = false;
    silence = {};  // asio may keep this longer than the loop has timers
    if (context) {
      redisAsyncContext* old = std::exchange(context, nullptr);
      old->data = nullptr;
      old->onDisconnect = nullptr;
      redisAsyncFree(old);
    }
    if (Callback<void(Error)> tell = std::exchange(on_lost, nullptr))
      tell({Code::unavailable, why});
    // One by one: an answer may end the owner, and with it whoever waits for the others.
    while (!waiting.empty()) {
      Done<Reply> done = std::move(waiting.front());
      waiting.pop_front();
      done({Code::unknown, "the connection to Redis was lost: " + why});
    }
  }
  void lose_later(std::string why) {
    posts.post([weak = weak_from_this(), why = std::move(why)]() mutable {
      if (const auto self = weak.lock()) self->lose(std::move(why));
    });
  }
};

Connection::Connection(runtime::AsioLoop& loop, const Address& address, Duration patience,
                       Callback<void()> on_open, Callback<void(Error)> on_lost)
    : impl_(std::make_shared<Impl>(loop, patience)) {
  ignore_broken_pipes();
  impl_->on_open = std::move(on_open);
  impl_->on_lost = std::move(on_lost);
  impl_->dial(address);
}

Connection::~Connection() {
  impl_->on_open = nullptr;
  impl_->on_lost = nullptr;
  impl_->waiting.clear();
  impl_->lose("");
}

bool Connection::open() const {
  return impl_->is_open;
}

void Connection::call(const Arguments& arguments, Done<Reply> done) {
  KEELSON_ASSERT(impl_->is_open);
  impl_->call(arguments, std::move(done));
}

}  // namespace keelson::redis
