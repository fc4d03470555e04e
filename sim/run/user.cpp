#include "sim/run/user.hpp"

#include <charconv>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "core/api/validation.hpp"
#include "core/client/view.hpp"
#include "core/controllers/deployment.hpp"

namespace keelson::sim {

namespace {

constexpr int kAttempts = 60;

api::ObjectPtr deployment_for_run(const UserAction& action) {
  api::Deployment d;
  d.mutable_metadata()->set_name(action.name);
  d.mutable_metadata()->set_namespace_(action.ns);
  (*d.mutable_metadata()->mutable_labels())["run"] = action.name;
  d.mutable_spec()->set_replicas(static_cast<int32_t>(action.replicas));
  (*d.mutable_spec()->mutable_selector()->mutable_match_labels())["run"] = action.name;
  auto* pod = d.mutable_spec()->mutable_template_();
  (*pod->mutable_metadata()->mutable_labels())["run"] = action.name;
  auto* container = pod->mutable_spec()->add_containers();
  container->set_name(action.name);
  container->set_image(action.image);
  if (action.port != 0) container->add_ports()->set_container_port(static_cast<int32_t>(action.port));
  return api::make_object(std::move(d));
}

}  // namespace

void User::later(Duration after, std::function<void()> then) {
  world_.admin_process().deliver(after, std::move(then));
}

void User::complain(const std::string& what, const api::ApiError& error) {
  ++failed_;
  world_.note(Level::warning, "user", what + ": " + error.message);
}

void User::insist(api::Request request, Answer answer, int attempt) {
  request.user = "kubernetes-admin";
  request.actor = "user";
  ++busy_;
  api::Request again = request;
  world_.admin().call(std::move(request), [this, again = std::make_shared<api::Request>(std::move(again)),
                                           answer = std::move(answer),
                                           attempt](api::Response response) mutable {
    --busy_;
    const bool unsure = response.error.reason == api::Reason::service_unavailable ||
                        response.error.reason == api::Reason::unknown_outcome ||
                        response.error.reason == api::Reason::timeout;
    if (unsure && attempt < kAttempts) {
      ++busy_;
      later(2s, [this, again, answer = std::move(answer), attempt] {
        --busy_;
        insist(*again, answer, attempt + 1);
      });
      return;
    }
    answer(response);
  });
}

void User::modify(api::Kind kind, const std::string& ns, const std::string& name,
                  std::function<bool(api::Message&)> change, int attempt) {
  insist(api::get(kind, ns, name), [=, this](const api::Response& found) {
    if (!found.ok()) {
      complain(api::to_string(api::ObjectKey{kind, ns, name}), found.error);
      return;
    }
    std::unique_ptr<api::Message> message(found.object->message().New());
    message->CopyFrom(found.object->message());
    if (!change(*message)) return;
    const auto changed = std::make_shared<const api::Object>(
        kind, api::MessagePtr(std::move(message)), found.object->revision());
    insist(api::update(changed), [=, this](const api::Response& written) {
      if (written.ok()) return;
      if (written.error.reason == api::Reason::conflict && attempt < kAttempts) {
        modify(kind, ns, name, change, attempt + 1);
        return;
      }
      complain(api::to_string(api::ObjectKey{kind, ns, name}), written.error);
    });
  });
}

void User::create(const api::ObjectPtr& object) {
  create(object, [] {});
}

void User::create(const api::ObjectPtr& object, std::function<void()> then) {
  insist(api::create(object),
         [this, object, then = std::move(then)](const api::Response& response) {
           // After a lost reply the second attempt finds the object there: that is success.
           if (!response.ok() && response.error.reason != api::Reason::already_exists) {
             complain("create " + api::to_string(object->key()), response.error);
           }
           then();
         });
}

void User::create_all(const std::vector<api::ObjectPtr>& objects, std::size_t from) {
  if (from >= objects.size()) return;
  create(objects[from], [this, objects, from] { create_all(objects, from + 1); });
}

void User::remove(api::Kind kind, const std::string& ns, const std::string& name,
                  api::Propagation propagation) {
  api::Request request;
  request.verb = api::Verb::remove;
  request.kind = kind;
  request.ns = ns;
  request.name = name;
  request.propagation = propagation;
  insist(std::move(request), [=, this](const api::Response& response) {
    if (response.ok() || response.error.reason == api::Reason::not_found) return;
    complain("delete " + api::to_string(api::ObjectKey{kind, ns, name}), response.error);
  });
}

void User::scale(const std::string& ns, const std::string& name, int64_t replicas) {
  modify(api::Kind::deployments, ns, name, [replicas](api::Message& message) {
    auto& spec = *static_cast<api::Deployment&>(message).mutable_spec();
    if (spec.replicas() == replicas) return false;
    spec.set_replicas(static_cast<int32_t>(replicas));
    return true;
  });
}

void User::set_image(const std::string& ns, const std::string& name, const std::string& image) {
  modify(api::Kind::deployments, ns, name, [image](api::Message& message) {
    auto& pod = *static_cast<api::Deployment&>(message).mutable_spec()->mutable_template_();
    bool changed = false;
    for (auto& container : *pod.mutable_spec()->mutable_containers()) {
      changed = changed || container.image() != image;
      container.set_image(image);
    }
    return changed;
  });
}

void User::undo(const std::string& ns, const std::string& name, int64_t revision) {
  const std::string what = "rollout undo " + name;
  insist(api::get(api::Kind::deployments, ns, name), [=, this](const api::Response& found) {
    if (!found.ok()) {
      complain(what, found.error);
      return;
    }
    insist(api::list(api::Kind::replica_sets, ns),
           [=, this, deployment = found.object](const api::Response& listed) {
             if (!listed.ok()) {
               complain(what, listed.error);
               return;
             }
             undo_with(what, deployment, listed.items, revision);
           });
  });
}

// With all that undoing takes to know.
void User::undo_with(const std::string& what, const api::ObjectPtr& deployment,
                     const std::vector<api::ObjectPtr>& replica_sets, int64_t revision) {
  client::Cache cache;
  cache.apply(nullptr, deployment);
  for (const api::ObjectPtr& rs : replica_sets) cache.apply(nullptr, rs);
  const Process& here = world_.admin_process();
  auto request = controllers::rollback_to(client::View(cache, here.now(), here.wall_now()),
                                          api::Ref<api::Deployment>(deployment), revision);
  if (!request) {
    // What is there already needs no undoing.
    const bool skipped = request.error().code == Code::exists;
    failed_ += skipped ? 0 : 1;
    world_.note(skipped ? Level::info : Level::warning, "user",
                what + ": " + request.error().message);
    return;
  }
  insist(std::move(*request), [=, this](const api::Response& patched) {
    if (!patched.ok()) complain(what, patched.error);
  });
}

void User::evict(const std::string& ns, const std::string& name, int attempt) {
  auto eviction = std::make_shared<api::Eviction>();
  eviction->mutable_metadata()->set_name(name);
  eviction->mutable_metadata()->set_namespace_(ns);
  api::Request request;
  request.verb = api::Verb::create;
  request.kind = api::Kind::pods;
  request.subresource = api::Subresource::eviction;
  request.ns = ns;
  request.name = name;
  request.body = std::move(eviction);
  insist(std::move(request), [=, this](const api::Response& response) {
    if (response.ok() || response.error.reason == api::Reason::not_found) return;
    if (response.error.reason == api::Reason::too_many_requests && attempt < kAttempts) {
      ++busy_;
      later(5s, [=, this] {
        --busy_;
        evict(ns, name, attempt + 1);
      });
      return;
    }
    complain("evict " + name, response.error);
  });
}

void User::evict_all(const std::string& node) {
  api::Request request = api::list(api::Kind::pods);
  request.field_selector = "spec.nodeName=" + node;
  insist(std::move(request), [this, node](const api::Response& listed) {
    if (!listed.ok()) {
      complain("drain " + node, listed.error);
      return;
    }
    for (const api::ObjectPtr& pod : listed.items) evict(pod->ns(), pod->name(), 0);
  });
}

void User::act(const UserAction& action, bool tell) {
  using Verb = UserAction::Verb;
  if (tell) world_.note(Level::info, "user", "keelson " + action.text);
  const std::string &ns = action.ns, &name = action.name;
  switch (action.verb) {
    case Verb::apply: create_all(action.objects); break;
    case Verb::run: create(deployment_for_run(action)); break;
    case Verb::expose: {
      api::Service service;
      service.mutable_metadata()->set_name(name);
      service.mutable_metadata()->set_namespace_(ns);
      auto* spec = service.mutable_spec();
      spec->set_type(action.type);
      (*spec->mutable_selector())["run"] = name;
      spec->add_ports()->set_port(static_cast<int32_t>(action.port));
      create(api::make_object(std::move(service)));
      break;
    }
    case Verb::scale: scale(ns, name, action.replicas); break;
    case Verb::set_image: set_image(ns, name, action.image); break;
    case Verb::undo: undo(ns, name, action.revision); break;
    case Verb::pause:
    case Verb::resume:
      modify(api::Kind::deployments, ns, name, [on = action.verb == Verb::pause](api::Message& m) {
        static_cast<api::Deployment&>(m).mutable_spec()->set_paused(on);
        return true;
      });
      break;
    case Verb::restart: {
      const std::string at = api::format_time(world_.admin_process().wall_now());
      modify(api::Kind::deployments, ns, name, [at](api::Message& m) {
        auto* pod = static_cast<api::Deployment&>(m).mutable_spec()->mutable_template_();
        (*pod->mutable_metadata()->mutable_annotations())["kubectl.kubernetes.io/restartedAt"] = at;
        return true;
      });
      break;
    }
    case Verb::remove: {
      const auto slash = name.find('/');
      const api::KindInfo* kind =
          api::find_resource(slash == std::string::npos ? "deployment" : name.substr(0, slash));
      if (kind == nullptr) {
        ++failed_;
        world_.note(Level::warning, "user", "the server doesn't have a resource type \"" + name + "\"");
        return;
      }
      remove(kind->kind, kind->namespaced ? ns : "", name.substr(slash + 1), action.cascade);
      break;
    }
    case Verb::cordon:
    case Verb::uncordon:
    case Verb::drain:
      modify(api::Kind::nodes, "", name, [on = action.verb != Verb::uncordon](api::Message& m) {
        static_cast<api::Node&>(m).mutable_spec()->set_unschedulable(on);
        return true;
      });
      if (action.verb == Verb::drain) {
        later(1s, [this, name] { evict_all(name); });
      }
      break;
  }
}

api::ObjectPtr generate_deployment(const DeploymentGenerator& g, int64_t number, Rng& rng) {
  const std::string name = g.prefix + std::to_string(number);
  api::Deployment d;
  d.mutable_metadata()->set_name(name);
  d.mutable_metadata()->set_namespace_(g.ns);
  auto* spec = d.mutable_spec();
  spec->set_replicas(static_cast<int32_t>(rng.between(g.replicas.low, g.replicas.high)));
  spec->set_min_ready_seconds(static_cast<int32_t>(g.min_ready_seconds));
  (*spec->mutable_selector()->mutable_match_labels())["app"] = name;
  const auto number_or_text = [](const std::string& text) {
    int32_t number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = end.ec == std::errc{} && end.ptr == text.data() + text.size();
    return whole ? api::int_value(number) : api::string_value(text);
  };
  auto* rolling = spec->mutable_strategy()->mutable_rolling_update();
  spec->mutable_strategy()->set_type("RollingUpdate");
  *rolling->mutable_max_surge() = number_or_text(g.max_surge);
  *rolling->mutable_max_unavailable() = number_or_text(g.max_unavailable);

  auto* pod = spec->mutable_template_();
  (*pod->mutable_metadata()->mutable_labels())["app"] = name;
  pod->mutable_spec()->set_termination_grace_period_seconds(g.grace);
  auto* container = pod->mutable_spec()->add_containers();
  container->set_name("app");
  container->set_image(g.images[rng.below(g.images.size())]);
  container->add_ports()->set_container_port(80);
  auto& requests = *container->mutable_resources()->mutable_requests();
  requests["cpu"].set_string(std::to_string(rng.between(g.cpu_milli.low, g.cpu_milli.high)) + "m");
  requests["memory"].set_string(
      std::to_string(rng.between(g.memory_mib.low, g.memory_mib.high)) + "Mi");
  if (g.readiness_probe) {
    auto* probe = container->mutable_readiness_probe();
    auto* get = probe->mutable_handler()->mutable_http_get();
    get->set_path("/");
    *get->mutable_port() = api::int_value(80);
    probe->set_period_seconds(static_cast<int32_t>(g.probe_period));
  }
  if (g.pre_stop_sleep > 0) {
    container->mutable_lifecycle()->mutable_pre_stop()->mutable_sleep()->set_seconds(
        g.pre_stop_sleep);
  }
  return api::make_object(std::move(d));
}

std::vector<api::ObjectPtr> generate(const DeploymentGenerator& g, Rng rng) {
  std::vector<api::ObjectPtr> objects;
  for (int64_t i = 1; i <= g.count; ++i) {
    objects.push_back(generate_deployment(g, i, rng));
    if (!g.services) continue;
    api::Service service;
    service.mutable_metadata()->set_name(g.prefix + std::to_string(i));
    service.mutable_metadata()->set_namespace_(g.ns);
    (*service.mutable_spec()->mutable_selector())["app"] = service.metadata().name();
    service.mutable_spec()->add_ports()->set_port(80);
    objects.push_back(api::make_object(std::move(service)));
  }
  return objects;
}

}  // namespace keelson::sim
