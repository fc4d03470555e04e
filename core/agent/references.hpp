// ConfigMaps and Secrets that a pod's environment and volumes name: they must exist before the
// container may be made. The mount itself is the runtime's matter.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/agent/context.hpp"

namespace keelson::agent {

struct Reference {
  api::Kind kind{};
  std::string name;
  std::string key;     // empty: the object as a whole
  std::string volume;  // the volume that wants it; empty: an environment variable
  bool optional = false;
};
std::vector<Reference> environment_references(const api::Container& container);
std::vector<Reference> volume_references(const api::PodSpec& spec);

class ReferenceCache {
 public:
  explicit ReferenceCache(Context& context) : context_(context) {}

  // The object behind each reference; null: it does not exist and need not. Code::invalid with
  // kubelet's message if something is missing; Code::unavailable if the API does not say. May answer
  // from inside the call.
  void resolve(std::string ns, std::vector<Reference> references,
               Done<std::vector<api::ObjectPtr>> done);

 private:
  struct Entry {
    api::ObjectPtr object;  // null: does not exist
    Instant fetched;
  };
  struct Check {
    std::string ns;
    std::vector<Reference> references;
    std::vector<api::ObjectPtr> found;  // so far
    Done<std::vector<api::ObjectPtr>> done;
  };
  using Key = std::pair<api::Kind, std::pair<std::string, std::string>>;

  void advance(std::unique_ptr<Check> check);
  const Entry* fresh(const Key& key) const;
  void remember(Key key, api::ObjectPtr object);

  Context& context_;
  std::map<Key, Entry> entries_;
  Lifetime lifetime_;
};

}  // namespace keelson::agent
