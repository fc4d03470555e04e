#include "tools/cli/up/audit.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstring>

#include "core/api/time_text.hpp"
#include "core/rest/path.hpp"
#include "core/rest/uri.hpp"

namespace keelson::cli {

namespace json = boost::json;

namespace {

std::string date_text(WallTime date) {
  return api::format_seconds(date.unix_ns / 1'000'000'000,
                             static_cast<int32_t>(date.unix_ns % 1'000'000'000), true);
}

json::object reference(const rest::Path& path) {
  json::object out;
  const auto put = [&](const char* field, const std::string& value) {
    if (!value.empty()) out[field] = value;
  };
  put("resource", path.resource);
  put("namespace", path.ns);
  put("name", path.name);
  put("apiGroup", path.group);
  put("apiVersion", path.version);
  put("subresource", path.subresource);
  return out;
}

json::object user_of(const auth::UserInfo& user) {
  json::object out;
  out["username"] = user.name;
  if (!user.uid.empty()) out["uid"] = user.uid;
  json::array& groups = out["groups"].emplace_array();
  for (const std::string& group : user.groups) groups.push_back(json::value(group));
  if (!user.extra.empty()) {
    json::object& extra = out["extra"].emplace_object();
    for (const auto& [key, values] : user.extra) {
      json::array& texts = extra[key].emplace_array();
      for (const std::string& value : values) texts.push_back(json::value(value));
    }
  }
  return out;
}

json::object event_of(const rest::HttpRequest& request) {
  json::object event;
  event["kind"] = "Event";
  event["apiVersion"] = "audit.k8s.io/v1";
  event["level"] = "Metadata";
  event["auditID"] = request.id;
  event["stage"] = "ResponseComplete";
  event["requestURI"] = request.target;
  if (const auto uri = rest::parse_target(request.target)) {
    const rest::Path path = rest::read_path(request.method, *uri);
    event["verb"] = path.verb;
    if (path.resource_request) event["objectRef"] = reference(path);
  }
  event["user"] = user_of(request.peer.user ? *request.peer.user
                                            : auth::UserInfo{std::string(auth::kAnonymous),
                                                             "",
                                                             {std::string(auth::kUnauthenticated)},
                                                             {}});
  const std::string& address = request.peer.address;
  event["sourceIPs"] = json::array{json::value(address.substr(0, address.rfind(':')))};
  event["userAgent"] = std::string(request.header("User-Agent"));
  return event;
}

}  // namespace

class AuditLog::Followed final : public rest::Exchange {
 public:
  Followed(AuditLog& log, const rest::HttpRequest& request, rest::ExchangePtr exchange)
      : log_(log), exchange_(std::move(exchange)), event_(event_of(request)) {
    event_["requestReceivedTimestamp"] = date_text(log.date_());
  }
  // Whose connection broke before the end is told of, too.
  ~Followed() override { complete(); }

  void name_user(const auth::UserInfo& user, const auth::UserInfo* acting_as) override {
    event_["user"] = user_of(user);
    if (acting_as != nullptr) event_["impersonatedUser"] = user_of(*acting_as);
    exchange_->name_user(user, acting_as);
  }
  void respond(rest::HttpResponse response) override {
    status_ = response.status;
    exchange_->respond(std::move(response));
    complete();
  }
  void begin(int status, std::vector<rest::Header> headers) override {
    status_ = status;
    exchange_->begin(status, std::move(headers));
  }
  void write(std::vector<rest::Bytes> pieces) override { exchange_->write(std::move(pieces)); }
  void finish() override {
    exchange_->finish();
    complete();
  }
  bool blocked() const override { return exchange_->blocked(); }
  void on_drained(Callback<void()> drained) override { exchange_->on_drained(std::move(drained)); }
  void upgrade(rest::Upgrade upgrade, std::shared_ptr<rest::PipeUser> user) override {
    status_ = 101;
    exchange_->upgrade(std::move(upgrade), std::move(user));
    complete();
  }
  void on_gone(Callback<void()> gone) override { exchange_->on_gone(std::move(gone)); }

 private:
  void complete() {
    if (std::exchange(complete_, true)) return;
    if (status_ != 0) event_["responseStatus"] = json::object{{"code", status_}};
    event_["stageTimestamp"] = date_text(log_.date_());
    log_.write(json::serialize(event_) + "\n");
  }

  AuditLog& log_;
  rest::ExchangePtr exchange_;
  json::object event_;
  int status_ = 0;
  bool complete_ = false;
};

AuditLog::~AuditLog() {
  if (file_ != nullptr && file_ != stderr) std::fclose(file_);
}

Status AuditLog::open(const std::string& file) {
  if (file == "-") {
    file_ = stderr;
    return {};
  }
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  file_ = fd < 0 ? nullptr : ::fdopen(fd, "a");
  if (file_ != nullptr) return {};
  const std::string why = std::strerror(errno);
  if (fd >= 0) ::close(fd);
  return {Code::invalid, file + ": cannot be written: " + why};
}

rest::ExchangePtr AuditLog::follow(const rest::HttpRequest& request, rest::ExchangePtr exchange) {
  return std::make_shared<Followed>(*this, request, std::move(exchange));
}

void AuditLog::write(const std::string& line) {
  if (file_ == nullptr) return;
  // One system call per line, as others may read along.
  std::fwrite(line.data(), 1, line.size(), file_);
  std::fflush(file_);
}

}  // namespace keelson::cli
