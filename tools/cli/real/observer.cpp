#include "tools/cli/real/observer.hpp"

#include <boost/json.hpp>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "tools/hosts/hosts.hpp"

namespace keelson::real {

namespace {

namespace json = boost::json;

constexpr api::Kind kKinds[] = {api::Kind::nodes, api::Kind::pods, api::Kind::deployments,
                                api::Kind::endpoint_slices, api::Kind::services};

std::string path_of(api::Kind kind) {
  const api::KindInfo& info = api::info(kind);
  return (info.group.empty() ? "/api/" : "/apis/") + info.api_version + "/" + info.plural;
}

std::string path_name(const api::Object& object) { return object.ns() + "/" + object.name(); }

// metadata.resourceVersion: of a list or of an object.
std::string revision_of(const json::object& object) {
  const auto* metadata = object.if_contains("metadata");
  if (metadata == nullptr || !metadata->is_object()) return {};
  const auto* version = metadata->as_object().if_contains("resourceVersion");
  return version != nullptr && version->is_string() ? std::string(version->as_string()) : "";
}

// Items of a list say neither.
api::ObjectPtr decode(json::object object, api::Kind kind) {
  const api::KindInfo& info = api::info(kind);
  object["kind"] = info.name;
  object["apiVersion"] = info.api_version;
  auto decoded = api::decode_object(json::serialize(object));
  return decoded ? decoded->object : nullptr;
}

}  // namespace

Observer::Observer(http::ClientOptions server, const std::string& network, Hear hear)
    : server_(std::move(server)), hear_(std::move(hear)), kinds_(std::size(kKinds)) {
  for (const api::Kind kind : kKinds) {
    threads_.emplace_back([this, network, kind] { follow(network, kind); });
  }
}

Observer::~Observer() {
  over_ = true;
  for (std::thread& thread : threads_) thread.join();
}

std::vector<api::ObjectPtr> Observer::all(api::Kind kind) const {
  const std::lock_guard lock(mutex_);
  std::vector<api::ObjectPtr> out;
  const auto found = objects_.find(kind);
  if (found == objects_.end()) return out;
  for (const auto& [name, object] : found->second) out.push_back(object);
  return out;
}

void Observer::follow(const std::string& network, api::Kind kind) {
  const hosts::InNetwork there(network);
  http::Client client(server_);
  std::string revision;
  bool first = true;
  while (!over_) {
    if (revision.empty()) {
      if (!list(client, kind, revision)) {
        std::this_thread::sleep_for(100ms);
        continue;
      }
      if (std::exchange(first, false)) ++listed_;
    }
    watch(client, kind, revision);
  }
}

bool Observer::list(http::Client& client, api::Kind kind, std::string& revision) {
  const auto answer = client.send({.target = path_of(kind), .timeout = 5s});
  if (!answer || answer->status != 200) return false;
  boost::system::error_code bad;
  const json::value tree = json::parse(answer->body, bad);
  if (bad || !tree.is_object()) return false;
  Objects before;
  {
    const std::lock_guard lock(mutex_);
    before = objects_[kind];
  }
  if (const auto* items = tree.as_object().if_contains("items"); items && items->is_array()) {
    for (const json::value& item : items->as_array()) {
      if (!item.is_object()) continue;
      const api::ObjectPtr object = decode(item.as_object(), kind);
      if (!object) continue;
      const auto known = before.find(path_name(*object));
      if (known != before.end() && known->second->uid() != object->uid()) {
        changed(kind, known->second, true);
      }
      if (known == before.end() || known->second->revision().value != object->revision().value) {
        changed(kind, object, false);
      }
      before.erase(path_name(*object));
    }
  }
  for (const auto& [name, object] : before) changed(kind, object, true);
  revision = revision_of(tree.as_object());
  return !revision.empty();
}

void Observer::watch(http::Client& client, api::Kind kind, std::string& revision) {
  // Short, so that the end is not waited for long.
  const std::string target = path_of(kind) +
                             "?watch=true&allowWatchBookmarks=true&timeoutSeconds=3&resourceVersion=" +
                             revision;
  int status = 0;
  bool usable = true;
  std::string rest;
  const auto ended = client.stream(
      {.target = target, .timeout = 10s},
      [&](const http::Response& head) {
        status = head.status;
        return status == 200;
      },
      [&](std::string_view data) {
        rest += data;
        std::size_t begin = 0;
        for (std::size_t end; usable && (end = rest.find('\n', begin)) != rest.npos; begin = end + 1) {
          usable = line(rest.substr(begin, end - begin), kind, revision);
        }
        rest.erase(0, begin);
        return usable && !over_;
      });
  if (!usable || (status >= 400 && status < 500)) revision.clear();
  // Nobody there, or away: not at once again.
  if (!over_ && (!ended || status != 200)) std::this_thread::sleep_for(50ms);
}

bool Observer::line(const std::string& text, api::Kind kind, std::string& revision) {
  boost::system::error_code bad;
  const json::value tree = json::parse(text, bad);
  if (bad || !tree.is_object()) return false;
  const auto* type = tree.as_object().if_contains("type");
  const auto* object = tree.as_object().if_contains("object");
  if (!type || !type->is_string() || !object || !object->is_object()) return false;
  if (type->as_string() == "ERROR") return false;
  if (const std::string at = revision_of(object->as_object()); !at.empty()) revision = at;
  if (type->as_string() == "BOOKMARK") return true;
  const api::ObjectPtr decoded = decode(object->as_object(), kind);
  if (decoded) changed(kind, decoded, type->as_string() == "DELETED");
  return true;
}

void Observer::changed(api::Kind kind, const api::ObjectPtr& object, bool removed) {
  const std::lock_guard lock(mutex_);
  Objects& known = objects_[kind];
  const auto found = known.find(path_name(*object));
  const api::ObjectPtr previous = found == known.end() ? nullptr : found->second;
  if (removed) {
    if (!previous) return;
    known.erase(found);
  } else {
    known[path_name(*object)] = object;
  }
  hear_(Clock::now(), removed ? nullptr : object, previous);
}

}  // namespace keelson::real
