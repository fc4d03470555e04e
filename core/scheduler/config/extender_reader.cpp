// extenders[]. Source of the rules: kube-scheduler apis/config/validation (validateExtenders).
#include <algorithm>
#include <set>
#include <utility>

#include "core/api/validation.hpp"
#include "core/base/duration_text.hpp"
#include "core/scheduler/config/readers.hpp"

namespace keelson::scheduler {
namespace {

void read_tls(TreeReader& from, ExtenderTls& into) {
  into.insecure = from.boolean("insecure", false);
  into.server_name = from.text("serverName").value_or("");
  const std::pair<std::string*, std::string*> parts[] = {{&into.cert_file, &into.cert_data},
                                                         {&into.key_file, &into.key_data},
                                                         {&into.ca_file, &into.ca_data}};
  const char* names[] = {"cert", "key", "ca"};
  for (std::size_t i = 0; i < std::size(parts); ++i) {
    const std::string file = std::string(names[i]) + "File", data = std::string(names[i]) + "Data";
    *parts[i].first = from.text(file).value_or("");
    *parts[i].second = from.bytes(data);
    if (!parts[i].first->empty() && !parts[i].second->empty()) {
      from.fail(file, "cannot be set together with " + data);
    }
  }
  const bool cert = !into.cert_file.empty() || !into.cert_data.empty();
  const bool key = !into.key_file.empty() || !into.key_data.empty();
  if (cert != key) {
    from.fail_here(cert ? "a certificate needs its key: keyFile or keyData"
                        : "a key needs its certificate: certFile or certData");
  }
  if (into.insecure && (!into.ca_file.empty() || !into.ca_data.empty())) {
    from.fail("insecure", "cannot be set together with caFile or caData");
  }
  from.done();
}

// Source: validateExtendedResourceName.
std::string wrong_resource(const std::string& name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string::npos || name.substr(0, slash) == "kubernetes.io" ||
      name.starts_with("requests.")) {
    return "\"" + name + "\" is an invalid extended resource name";
  }
  const auto reasons = api::check_qualified_name(name);
  return reasons.empty() ? std::string() : reasons.front();
}

void read_managed(TreeReader& from, std::set<std::string>& taken, ExtenderConfig& into) {
  for (TreeReader& entry : from.objects("managedResources")) {
    ExtenderConfig::Managed managed;
    managed.name = entry.text("name").value_or("");
    managed.ignored_by_scheduler = entry.boolean("ignoredByScheduler", false);
    entry.done();
    if (const std::string why = wrong_resource(managed.name); !why.empty()) {
      entry.fail("name", why);
    } else if (!taken.insert(managed.name).second) {
      entry.fail("name", "duplicate value: \"" + managed.name + "\" is managed already");
    }
    into.managed_resources.push_back(std::move(managed));
  }
}

void check_url(TreeReader& from, const ExtenderConfig& extender) {
  const std::string& url = extender.url_prefix;
  const bool https = url.starts_with("https://");
  if (url.empty()) {
    from.fail("urlPrefix", "must be set");
  } else if (!https && !url.starts_with("http://")) {
    from.fail("urlPrefix", "must begin with http:// or https://");
  } else if (extender.enable_https && !https) {
    from.fail("enableHTTPS", "contradicts urlPrefix, which begins with http://");
  }
}

ExtenderConfig read_extender(TreeReader& from, std::set<std::string>& taken) {
  ExtenderConfig into;
  into.url_prefix = from.text("urlPrefix").value_or("");
  into.filter_verb = from.text("filterVerb").value_or("");
  into.prioritize_verb = from.text("prioritizeVerb").value_or("");
  into.preempt_verb = from.text("preemptVerb").value_or("");
  into.bind_verb = from.text("bindVerb").value_or("");
  into.weight = from.integer("weight", 0, kMaxPluginWeight).value_or(0);
  if (!into.prioritize_verb.empty() && into.weight == 0) {
    from.fail("weight", "must be positive where there is a prioritizeVerb");
  }
  into.enable_https = from.boolean("enableHTTPS", false);
  if (auto tls = from.object("tlsConfig")) read_tls(*tls, into.tls);
  if (const auto text = from.text("httpTimeout")) {
    const auto timeout = parse_duration(*text);
    if (!timeout) {
      from.fail("httpTimeout", timeout.error().message);
    } else if (*timeout < Duration::zero()) {
      from.fail("httpTimeout", "must not be negative");
    } else if (*timeout > Duration::zero()) {  // zero: the default
      into.timeout = *timeout;
    }
  }
  into.node_cache_capable = from.boolean("nodeCacheCapable", false);
  into.ignorable = from.boolean("ignorable", false);
  read_managed(from, taken, into);
  check_url(from, into);
  from.done();
  return into;
}

}  // namespace

std::vector<ExtenderConfig> read_extenders(TreeReader& root, Reading& reading) {
  std::vector<ExtenderConfig> extenders;
  std::set<std::string> taken;
  bool binder = false;
  for (TreeReader& entry : root.objects("extenders")) {
    ExtenderConfig extender = read_extender(entry, taken);
    if (!extender.bind_verb.empty() && std::exchange(binder, true)) {
      entry.fail("bindVerb", "only one extender can bind");
    }
    if (extender.enable_https && extender.tls.ca_file.empty() && extender.tls.ca_data.empty()) {
      reading.notes.push_back("extender " + extender.url_prefix +
                              ": its certificate is not verified, as enableHTTPS stands there "
                              "without a CA (so it is in kube-scheduler)");
    }
    extenders.push_back(std::move(extender));
  }
  // As kube-scheduler: what must answer is asked before what may be passed over.
  std::stable_partition(extenders.begin(), extenders.end(),
                        [](const ExtenderConfig& extender) { return !extender.ignorable; });
  return extenders;
}

}  // namespace keelson::scheduler
