// The volumes of this node's pods: made when a pod starts, kept up to date while it runs, removed
// when its containers are gone. Sits between the pod workers and the PodVolumes port.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/agent/context.hpp"
#include "core/agent/object_watches.hpp"
#include "core/agent/pod_tokens.hpp"
#include "core/agent/volume_content.hpp"

namespace keelson::agent {

class VolumeManager {
 public:
  // `on_hope(uid)`: what this pod's volumes lacked may be there now.
  VolumeManager(Context& context, PodVolumes& disk,
                std::function<void(const std::string& uid)> on_hope);

  // From now on the pod's volumes are kept as what they show is. Answers when they are there.
  // Code::invalid with kubelet's message: something that they show is missing.
  void set_up(api::Ref<api::Pod> pod, Done<Unit> done);
  // The pod is different: its labels may be files.
  void update(const api::Ref<api::Pod>& pod);
  // REQUIRES: set_up() has succeeded.
  void mount(const api::Pod& pod, const api::Container& container, const Environment& environment,
             Done<std::vector<Mount>> done);
  // `all`: see PodVolumes.
  void tear_down(const std::string& uid, bool all, Done<Unit> done);
  // Pods of whose volumes something is there.
  void list(Done<std::vector<std::string>> done) { disk_.list(std::move(done)); }

 private:
  struct Entry {
    api::Ref<api::Pod> pod;  // null: only to be torn down
    std::vector<Done<Unit>> waiting;
    Done<Unit> removal;
    Timer timer;       // renewal of tokens, another try, the end of patience
    Instant patience;  // objects that are not known until then are given up for now
    bool busy = false;
    bool again = false;
    bool ready = false;
    bool remove_all = false;
  };

  Entry& entry_of(const std::string& uid);
  void changed(const std::string& uid);
  // One pass: objects, then tokens, then the disk; what happens meanwhile causes another.
  void pass(const std::string& uid);
  void fetch_tokens(const std::string& uid, std::vector<TokenWish> wishes);
  void write(const std::string& uid);
  void finish(const std::string& uid, Result<Unit> result);
  void remove(const std::string& uid);

  Context& context_;
  PodVolumes& disk_;
  std::function<void(const std::string&)> on_hope_;
  ObjectWatches objects_;
  PodTokens tokens_;
  std::map<std::string, Entry> entries_;  // by uid
  Lifetime lifetime_;
};

}  // namespace keelson::agent
