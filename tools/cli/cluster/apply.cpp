// apply: server-side apply, always. kubectl's client-side apply computes a patch from an annotation
// on the machine of the user; the server does it better, since it knows who owns which field.
// Without
// --server-side, conflicts with other managers are forced as kubectl's client-side apply would
// simply overwrite them; with it they are errors unless --force-conflicts.
#include <fmt/format.h>

#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

Status apply_one(Session& session, Target& target) {
  const bool server_side = session.flags.on("server-side");
  if (target.name.empty()) {
    return usage_error("apply needs names: metadata.generateName goes with create");
  }
  std::string before;
  const std::string path = target.resource.path(target.ns, target.name);
  if (auto reply = session.api.call({.path = path}); !reply) {
    return reply.error();
  } else if (reply->status < 400) {
    before = text_at(parse_tree(reply->body), "metadata.resourceVersion");
  } else if (reply->status != 404) {
    return failure_of(*reply);
  }
  if (session.dry_run() == "client") {
    return session.report(target.resource, target.manifest,
                          before.empty() ? "created" : "configured");
  }
  const bool force = !server_side || session.flags.on("force-conflicts");
  auto object = session.send("PATCH", path, target.manifest, patch::apply, "",
                             std::string("force=") + (force ? "true" : "false"));
  if (!object) {
    if (object.code() != Code::conflict || !server_side) return object.error();
    return Error{
        Code::conflict,
        object.error().message +
            "\nPlease review the fields above--they currently have other managers. Either let "
            "them be, by removing them from the manifest, or take them over with "
            "--force-conflicts."};
  }
  std::string_view what = "serverside-applied";
  if (!server_side) {
    what = before.empty()                                           ? "created"
           : before == text_at(*object, "metadata.resourceVersion") ? "unchanged"
                                                                    : "configured";
  }
  return session.report(target.resource, *object, what);
}

Status apply(Session& session) {
  if (!session.flags.has("filename")) return usage_error("must specify one of -f and -k");
  auto targets = read_manifests(session);
  if (!targets) return targets.error();
  for (Target& target : *targets) {
    if (auto ok = apply_one(session, target); !ok) session.complain(ok.error());
  }
  return {};
}

}  // namespace

std::vector<Verb> apply_verbs() {
  auto flags = with_report(file_flags());
  flags.push_back({"server-side", "", "conflicts with other managers of a field are errors"});
  flags.push_back({"force-conflicts", "", "with --server-side: take fields over"});
  flags.push_back(
      {"validate", "MODE", "accepted for kubectl's sake: the server always validates", "strict"});
  return {{"apply", "-f FILE", "make objects as manifests say", flags, apply,
           "  keelson apply -f web.yaml\n  cat web.yaml | keelson apply -f -\n"}};
}

}  // namespace keelson::cli
