// Undo: the template of an earlier revision becomes the deployment's again. Everything else follows
// from the template being equal to that of an old ReplicaSet.
#include <map>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "core/api/json.hpp"
#include "core/controllers/deployment.hpp"
#include "core/controllers/rollout.hpp"

namespace keelson::controllers {

namespace {

// Revision 0: the second highest.
RsRef find_revision(const std::vector<RsRef>& sets, int64_t revision) {
  RsRef latest, previous;
  for (const RsRef& rs : sets) {
    const int64_t at = revision_of(rs->metadata());
    if (revision > 0) {
      if (at == revision) return rs;
    } else if (!latest || at > revision_of(latest->metadata())) {
      previous = latest;
      latest = rs;
    } else if (!previous || at > revision_of(previous->metadata())) {
      previous = rs;
    }
  }
  return revision > 0 ? RsRef() : previous;
}

// The annotations that the deployment should have: those of the revision, for they are about it
// (its change-cause above all), and of its own those that are never copied to ReplicaSets.
boost::json::object annotations_of(const api::Deployment& deployment, const api::ReplicaSet& rs) {
  std::map<std::string, std::string> all;
  for (const auto& [name, value] : deployment.metadata().annotations()) {
    if (stays_on_deployment(name)) all[name] = value;
  }
  for (const auto& [name, value] : rs.metadata().annotations()) {
    if (!stays_on_deployment(name)) all[name] = value;
  }
  boost::json::object object;
  for (const auto& [name, value] : all) object[name] = value;
  return object;
}

}  // namespace

Result<api::Request> rollback_to(const View& view, const api::Ref<api::Deployment>& deployment,
                                 int64_t revision) {
  if (revision < 0) return Error{Code::invalid, "revision must not be negative"};
  if (deployment->spec().paused()) {
    return Error{Code::denied,
                 fmt::format("you cannot rollback a paused deployment; resume it first with "
                             "'kubectl rollout resume deployment/{}' and try again",
                             deployment.name())};
  }
  TemplateMemo templates;
  const Rollout rollout = make_rollout(view, deployment, templates);
  const RsRef target = find_revision(rollout.all, revision);
  if (!target) {
    return Error{
        Code::not_found,
        revision > 0
            ? fmt::format("unable to find specified revision {} in history", revision)
            : fmt::format("no rollout history found for deployment \"{}\"", deployment.name())};
  }
  if (same_template(target->spec().template_(), deployment->spec().template_())) {
    return Error{Code::exists, fmt::format("skipped rollback (current template already matches "
                                           "revision {})",
                                           revision_of(target->metadata()))};
  }
  api::PodTemplateSpec pod_template = target->spec().template_();
  pod_template.mutable_metadata()->mutable_labels()->erase(std::string(kTemplateHash));

  std::string patch = R"([{"op":"replace","path":"/spec/template","value":)" +
                      api::encode_message(pod_template) + "}";
  patch += R"(,{"op":"add","path":"/metadata/annotations","value":)" +
           boost::json::serialize(annotations_of(*deployment, *target)) + "}";
  patch += "]";
  api::Request request;
  request.verb = api::Verb::patch;
  request.kind = api::Kind::deployments;
  request.ns = deployment.ns();
  request.name = deployment.name();
  request.expected.uid = deployment.uid();
  request.patch_type = api::PatchType::json;
  request.patch = std::move(patch);
  return request;
}

}  // namespace keelson::controllers
