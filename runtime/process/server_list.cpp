#include "runtime/process/server_list.hpp"

#include <algorithm>

#include "core/base/hash.hpp"
#include "runtime/http/dial.hpp"
#include "runtime/pki/files.hpp"

namespace keelson::runtime {

namespace {

constexpr const char* kMap = "keelson-config";

// Sorted, without what is no URL.
std::vector<std::string> parse(const std::string& text, char separator) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    std::string url = text.substr(begin, end - begin);
    if (http::parse_server_url(url)) out.push_back(std::move(url));
    begin = end + 1;
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace

ServerList::ServerList(std::string path, std::vector<std::string> configured, std::string node)
    : path_(std::move(path)), node_(std::move(node)), known_(std::move(configured)) {
  if (const auto text = read_file(path_)) {
    if (auto kept = parse(*text, '\n'); !kept.empty()) known_ = std::move(kept);
  }
}

std::vector<std::string> ServerList::servers() const {
  std::vector<std::string> out = known_;
  if (!out.empty()) {
    const auto first = static_cast<std::ptrdiff_t>(hash_u64(hash_bytes(node_)) % out.size());
    std::rotate(out.begin(), out.begin() + first, out.end());
  }
  return out;
}

void ServerList::follow(Loop& loop, client::ApiClient& client, Rng rng, Log& log,
                        std::function<void(const std::vector<std::string>&)> on_change) {
  on_change_ = std::move(on_change);
  client::InformerOptions options;
  options.kind = api::Kind::config_maps;
  options.ns = "kube-system";
  options.field_selector = std::string("metadata.name=") + kMap;
  options.user = "system:node:" + node_;
  options.actor = options.user;
  informer_ = std::make_unique<client::Informer>(loop, client, rng, std::move(options));
  informer_->on_change([this, &log](const api::ObjectPtr&, const api::ObjectPtr& after) {
    if (after) take(after->as<api::ConfigMap>(), log);
  });
  informer_->start();
}

// A list that is gone or empty says nothing: it cannot be that there are no servers.
void ServerList::take(const api::ConfigMap& map, Log& log) {
  const auto found = map.data().find("servers");
  if (found == map.data().end()) return;
  std::vector<std::string> now = parse(found->second, ',');
  if (now.empty() || now == known_) return;
  known_ = std::move(now);
  std::string text;
  for (const std::string& url : known_) text += url + '\n';
  if (const Status written = write_private_file(path_, text); !written) {
    log.warning("the list of API servers is not kept", {{"why", written.message()}});
  }
  log.info("API servers", {{"count", static_cast<int64_t>(known_.size())}});
  on_change_(servers());
}

}  // namespace keelson::runtime
