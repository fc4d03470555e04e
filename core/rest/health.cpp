#include "core/rest/health.hpp"

#include <algorithm>

#include "core/rest/answers.hpp"

namespace keelson::rest {

std::vector<HealthPart> health_parts(const ProcessFacts& process, bool server_ready) {
  std::vector<HealthPart> parts;
  if (process.parts) parts = process.parts();
  const auto store = std::ranges::find(parts, std::string_view("store"), &HealthPart::name);
  if (store == parts.end()) {
    parts.insert(parts.begin(), {"store", server_ready});
  } else {
    store->ok = store->ok && server_ready;
  }
  return parts;
}

HttpResponse health_response(const Uri& uri, std::vector<HealthPart> parts) {
  const std::string& what = uri.segments.front();
  if (what == "livez") parts.clear();
  parts.insert(parts.begin(), {"ping", true});
  if (uri.segments.size() > 1) {
    // Probes that were written for a kube-apiserver ask for its store by this name.
    const std::string name = uri.segments[1] == "etcd" ? "store" : uri.segments[1];
    const auto part = std::ranges::find(parts, name, &HealthPart::name);
    if (part == parts.end() || uri.segments.size() > 2)
      return text_response(404, "404 page not found\n");
    return part->ok ? text_response(200, "ok")
                    : text_response(500, name + " failed: reason withheld\n");
  }
  std::string text;
  bool ok = true;
  const std::string left_out(uri.get("exclude"));
  for (const HealthPart& part : parts) {
    if (part.name == left_out || (left_out == "etcd" && part.name == "store")) {
      text += "[+]" + part.name + " excluded: ok\n";
    } else if (part.ok) {
      text += "[+]" + part.name + " ok\n";
    } else {
      text += "[-]" + part.name + " failed: reason withheld\n";
      ok = false;
    }
  }
  if (ok && !uri.has("verbose")) return text_response(200, "ok");
  text += what + (ok ? " check passed\n" : " check failed\n");
  return text_response(ok ? 200 : 500, std::move(text));
}

}  // namespace keelson::rest
