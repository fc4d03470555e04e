// The ConfigMaps and Secrets that pods of this node show as files: each is watched as long as some
// pod wants it, by name, which is all that a node may do. An immutable one is read once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "core/agent/context.hpp"
#include "core/client/informer.hpp"

namespace keelson::agent {

class ObjectWatches {
 public:
  struct Key {
    api::Kind kind{};
    std::string ns, name;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  // `on_change(uid)`: something that this pod wants became known or is different now.
  ObjectWatches(Context& context, std::function<void(const std::string& uid)> on_change)
      : context_(context), on_change_(std::move(on_change)) {}

  // What the pod wants from now on; nothing: it has gone.
  void want(const std::string& uid, const std::set<Key>& keys);
  // Null: there is no such object; nullopt: not known yet. REQUIRES: somebody wants it.
  std::optional<api::ObjectPtr> find(const Key& key) const;

 private:
  struct Entry {
    std::set<std::string> users;  // uids
    std::unique_ptr<client::Informer> informer;
    api::ObjectPtr settled;  // immutable, and so not watched any more
  };

  void begin(const Key& key, Entry& entry);
  void changed(const Key& key);

  Context& context_;
  std::function<void(const std::string&)> on_change_;
  std::map<Key, Entry> entries_;
  std::map<std::string, std::set<Key>> wanted_;  // by uid
  std::set<Key> pending_;                        // news that users have not been told
  uint64_t begun_ = 0;
  Lifetime lifetime_;
};

}  // namespace keelson::agent
