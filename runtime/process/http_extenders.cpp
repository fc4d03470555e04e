#include "runtime/process/http_extenders.hpp"

#include "runtime/pki/files.hpp"

namespace keelson::runtime {

namespace {

constexpr int kOk = 200;

Status read_pem(const char* field, const std::string& file, const std::string& data,
                std::string& into) {
  into = data;
  if (file.empty()) return {};
  auto text = read_file(file);
  if (!text) return {Code::invalid, std::string("tlsConfig.") + field + ": " + text.error().message};
  into = std::move(*text);
  return {};
}

Result<http::AsyncClientOptions> options_of(const scheduler::ExtenderConfig& config) {
  http::AsyncClientOptions options;
  std::string url = config.url_prefix;
  while (url.ends_with('/')) url.pop_back();
  options.servers = {url};
  const scheduler::ExtenderTls& tls = config.tls;
  for (const Status& read :
       {read_pem("caFile", tls.ca_file, tls.ca_data, options.ca_pem),
        read_pem("certFile", tls.cert_file, tls.cert_data, options.client_cert_pem),
        read_pem("keyFile", tls.key_file, tls.key_data, options.client_key_pem)}) {
    if (!read) return read.error();
  }
  options.tls_server_name = tls.server_name;
  // As kube-scheduler; parse_configuration() notes it.
  options.insecure_skip_verify =
      tls.insecure || (config.enable_https && options.ca_pem.empty());
  options.connect_timeout = config.timeout;
  // An extender need not know /livez: its own timeout comes first.
  options.silence_max = config.timeout + std::chrono::seconds(1);
  options.user_agent = "keelson-scheduler";
  return options;
}

}  // namespace

Result<std::unique_ptr<HttpExtenders>> HttpExtenders::make(
    AsioLoop& loop, const std::vector<scheduler::ExtenderConfig>& configs) {
  auto made = std::make_unique<HttpExtenders>();
  for (const scheduler::ExtenderConfig& config : configs) {
    auto options = options_of(config);
    auto client = options ? http::AsyncClient::create(loop, std::move(*options)) : options.error();
    if (!client) {
      return Error{Code::invalid,
                   "extender " + config.url_prefix + ": " + client.error().message};
    }
    made->extenders_.push_back({std::move(*client), config.timeout});
  }
  return made;
}

void HttpExtenders::post(std::size_t extender, const std::string& verb, std::string body,
                         Done<std::string> done) {
  http::Request request;
  request.method = "POST";
  request.target = verb.starts_with('/') ? verb : "/" + verb;
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  request.body = std::move(body);
  request.timeout = extenders_[extender].timeout;
  extenders_[extender].client->send(
      std::move(request), [verb, done = std::move(done)](Result<http::Response> answer) mutable {
        if (!answer) return done(answer.error());
        if (answer->status != kOk) {
          return done(Error{Code::unknown,
                            verb + " was answered with status " + std::to_string(answer->status)});
        }
        done(std::move(answer->body));
      });
}

}  // namespace keelson::runtime
