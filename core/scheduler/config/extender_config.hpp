// A scheduler extender: an HTTP service that the scheduler asks, where a plugin cannot be built in.
// Source: kube-scheduler's apis/config (Extender) and extender/v1.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/time.hpp"

namespace keelson::scheduler {

struct ExtenderTls {
  bool insecure = false;    // the server's certificate is not verified
  std::string server_name;  // verified instead of the URL's host
  // Files or their contents; not both of one.
  std::string cert_file, key_file, ca_file;
  std::string cert_data, key_data, ca_data;
};

struct ExtenderConfig {
  struct Managed {
    std::string name;
    bool ignored_by_scheduler = false;  // NodeResourcesFit does not check it
  };

  std::string url_prefix;  // a verb is asked at PREFIX/VERB
  // Empty: not asked for that.
  std::string filter_verb, prioritize_verb, preempt_verb, bind_verb;
  int64_t weight = 0;  // of its priorities; at least 1 with a prioritize verb
  bool enable_https = false;
  ExtenderTls tls;
  Duration timeout = 5s;
  bool node_cache_capable = false;  // it knows the nodes: is told their names only
  // Only pods that request one of these concern it; none: all pods do.
  std::vector<Managed> managed_resources;
  bool ignorable = false;  // pods are scheduled without it when it does not answer
};

}  // namespace keelson::scheduler
