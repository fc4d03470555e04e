#include "core/agent/static_pods.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/agent/backoff.hpp"
#include "core/api/canonical.hpp"
#include "core/api/json.hpp"
#include "core/api/validation.hpp"
#include "core/base/hash.hpp"

namespace keelson::agent {

namespace {

constexpr const char* kMirror = "kubernetes.io/config.mirror";
constexpr const char* kHash = "kubernetes.io/config.hash";
constexpr const char* kSource = "kubernetes.io/config.source";
constexpr std::size_t kMostPods = 500;

const std::string& annotation(const api::Object& pod, const char* key) {
  static const std::string none;
  const auto& all = pod.meta().annotations();
  const auto at = all.find(key);
  return at == all.end() ? none : at->second;
}

const api::PodStatus& status_of(const api::Object& pod) {
  return pod.as<api::Pod>().status();
}

}  // namespace

bool is_mirror(const api::Object& pod) {
  return pod.meta().annotations().contains(kMirror);
}

Result<api::ObjectPtr> static_pod_of(const Manifest& manifest, const std::string& node) {
  auto decoded = api::decode_yaml(manifest.text, manifest.source);
  if (!decoded.ok()) return decoded.error();
  if (decoded->size() != 1 || decoded->front().object->kind() != api::Kind::pods) {
    return {Code::invalid, manifest.source + ": a manifest is one Pod"};
  }
  api::Pod pod = decoded->front().object->as<api::Pod>();
  api::ObjectMeta& meta = *pod.mutable_metadata();
  if (meta.name().empty()) return {Code::invalid, manifest.source + ": the pod has no name"};
  const std::string key = node + "\n" + manifest.source + "\n" + manifest.text;
  const std::string uid = fmt::format("{:016x}{:016x}", hash_bytes(key), hash_bytes(key, 1));
  meta.set_name(meta.name() + "-" + node);
  if (meta.namespace_().empty()) meta.set_namespace_("default");
  meta.set_uid(uid);
  meta.clear_resource_version();
  meta.clear_deletion_timestamp();
  auto& annotations = *meta.mutable_annotations();
  annotations.erase(kMirror);
  annotations[kHash] = uid;
  annotations[kSource] = "file";
  api::PodSpec& spec = *pod.mutable_spec();
  spec.set_node_name(node);
  // No taint drives off what the node itself wants to run.
  api::Toleration& all = *spec.add_tolerations();
  all.set_operator_("Exists");
  all.set_effect("NoExecute");
  // It has no business with the API: nobody could give it a token.
  spec.set_automount_service_account_token(false);
  pod.clear_status();
  pod.mutable_status()->set_phase("Pending");
  api::apply_defaults(api::Kind::pods, pod);
  if (api::ApiError error = api::validate_create(api::Kind::pods, pod)) {
    return {Code::invalid, manifest.source + ": " + error.message};
  }
  return api::make_object(std::move(pod));
}

void StaticPods::start(Context& context, ManifestSource& source, Hooks hooks) {
  context_ = &context;
  hooks_ = std::move(hooks);
  retry_ = Timer(loop_, [this] {
    for (const Name& name : std::exchange(failed_, {})) reflect(name);
  });
  source.watch(lifetime_.guard(
      [this](std::vector<Manifest> manifests) { take(std::move(manifests)); }));
}

StaticPods::Pod* StaticPods::by_uid(const std::string& uid) {
  const auto at = std::find_if(pods_.begin(), pods_.end(), [&](const auto& entry) {
    return entry.second.object && entry.second.object->uid() == uid;
  });
  return at == pods_.end() ? nullptr : &at->second;
}

api::ObjectPtr StaticPods::with_status(const api::Object& pod, const api::PodStatus& status) {
  api::Pod out = pod.as<api::Pod>();
  *out.mutable_status() = status;
  return api::make_object(std::move(out), {0, ++revision_});
}

// --- Manifests ----------------------------------------------------------------------------------

void StaticPods::take(std::vector<Manifest> manifests) {
  loaded_ = true;
  std::map<Name, api::ObjectPtr> wanted;
  for (const Manifest& manifest : manifests) {
    const Result<api::ObjectPtr> pod = static_pod_of(manifest, context_->options.node_name);
    if (!pod.ok()) {
      context_->log.warning("manifest refused", {{"why", pod.error().message}});
      continue;
    }
    const Name name{(*pod)->ns(), (*pod)->name()};
    if (wanted.size() >= kMostPods || !wanted.emplace(name, *pod).second) {
      context_->log.warning("manifest ignored: its pod's name is taken, or there are too many",
                            {{"source", manifest.source}});
    }
  }
  for (auto& [name, pod] : pods_) {
    const auto now = wanted.find(name);
    if (!pod.object) continue;
    if (now != wanted.end() && now->second->uid() == pod.object->uid()) continue;
    const api::ObjectPtr before = std::exchange(pod.object, nullptr);
    hooks_.on_pod(before, nullptr);
  }
  for (const auto& [name, object] : wanted) {
    Pod& pod = pods_[name];
    if (pod.object) continue;
    // After a restart of the agent the mirror remembers how it was.
    const bool same = pod.mirror && annotation(*pod.mirror, kMirror) == object->uid();
    pod.object = with_status(*object, status_of(same ? *pod.mirror : *object));
    hooks_.on_pod(nullptr, pod.object);
  }
  std::vector<Name> names;
  for (const auto& [name, pod] : pods_) names.push_back(name);
  for (const Name& name : names) reflect(name);
}

// --- Workers' requests --------------------------------------------------------------------------

void StaticPods::call(api::Request request, Callback<void(api::Response)> done) {
  Pod* own = nullptr;
  if (!pods_.empty() && request.kind == api::Kind::pods) {
    if (!request.expected.uid.empty()) {
      own = by_uid(request.expected.uid);
    } else if (const auto at = pods_.find({request.ns, request.name}); at != pods_.end()) {
      own = at->second.object ? &at->second : nullptr;
    }
  }
  if (!own) {
    api_.call(std::move(request), std::move(done));
    return;
  }
  api::Response response;
  if (request.verb == api::Verb::update && request.body) {
    own->object = with_status(*own->object, static_cast<const api::Pod&>(*request.body).status());
    const Name name{own->object->ns(), own->object->name()};
    loop_.post(lifetime_.guard([this, name] { reflect(name); }));
  }
  response.object = own->object;
  response.revision = own->object->revision();
  loop_.post([response = std::move(response), done = std::move(done)]() mutable {
    done(std::move(response));
  });
}

// --- Mirrors ------------------------------------------------------------------------------------

void StaticPods::on_mirror(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  const api::Object& which = after ? *after : *before;
  const Name name{which.ns(), which.name()};
  pods_[name].mirror = after;
  reflect(name);
}

void StaticPods::reflect(const Name& name) {
  const auto at = pods_.find(name);
  if (at == pods_.end() || at->second.busy || !loaded_) return;
  Pod& pod = at->second;
  if (!pod.object && !pod.mirror) {
    pods_.erase(at);
    return;
  }
  if (pod.mirror && (!pod.object || pod.mirror->deleting() ||
                     annotation(*pod.mirror, kMirror) != pod.object->uid())) {
    api::Request request = api::remove(*pod.mirror);
    request.grace_period_seconds = 0;
    send(name, std::move(request));
  } else if (!pod.mirror) {
    const api::ObjectPtr node = hooks_.own_node();
    if (node) {
      send(name, creation_of(*pod.object, *node));
    } else {
      failed_.insert(name);
      retry_.arm_by(1s);
    }
  } else if (!api::same(status_of(*pod.object), status_of(*pod.mirror))) {
    api::Pod shown = pod.mirror->as<api::Pod>();
    *shown.mutable_status() = status_of(*pod.object);
    send(name, api::update_status(api::make_object(std::move(shown), pod.mirror->revision())));
  }
}

api::Request StaticPods::creation_of(const api::Object& pod, const api::Object& node) const {
  api::Pod shown = pod.as<api::Pod>();
  api::ObjectMeta& meta = *shown.mutable_metadata();
  (*meta.mutable_annotations())[kMirror] = pod.uid();
  meta.clear_uid();
  api::OwnerReference& owner = *meta.add_owner_references();
  owner.set_api_version("v1");
  owner.set_kind("Node");
  owner.set_name(node.name());
  owner.set_uid(node.uid());
  owner.set_controller(true);
  return api::create(api::make_object(std::move(shown)));
}

void StaticPods::send(const Name& name, api::Request request) {
  pods_[name].busy = true;
  const bool removes = request.verb == api::Verb::remove;
  const bool updates = request.verb == api::Verb::update;
  auto answered = [this, name, removes, updates](api::Response response) {
    Pod& pod = pods_[name];
    pod.busy = false;
    if (response.ok()) {
      failures_ = 0;
      if (removes) {
        pod.mirror = nullptr;
      } else if (response.object &&
                 (!pod.mirror || pod.mirror->uid() != response.object->uid() ||
                  pod.mirror->revision() < response.object->revision())) {
        pod.mirror = response.object;
      }
      if (!updates) {
        reflect(name);
        return;
      }
      // Should the server keep a status otherwise than it was sent, this does not spin.
      failed_.insert(name);
      retry_.arm_by(1s);
      return;
    }
    if (removes && response.error.reason == api::Reason::not_found) pod.mirror = nullptr;
    failed_.insert(name);
    retry_.arm_by(backoff_after(++failures_, 1s, 60s));
  };
  api_.call(context_->sign(std::move(request)), lifetime_.guard(std::move(answered)));
}

}  // namespace keelson::agent
