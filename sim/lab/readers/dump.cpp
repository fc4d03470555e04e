#include "sim/lab/readers/dump.hpp"

#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "core/api/validation.hpp"
#include "core/scheduler/cache/pod_info.hpp"

namespace keelson::lab {

namespace {

using api::Kind;
using api::ObjectPtr;

constexpr std::size_t kBytesMax = std::size_t{1} << 30;

Result<std::string> read_all(const std::string& name) {
  std::error_code ignored;
  const gzFile file =
      std::filesystem::is_directory(name, ignored) ? nullptr : gzopen(name.c_str(), "rb");
  if (file == nullptr) return Error{Code::invalid, name + ": cannot be read"};
  std::string text;
  int got = 0;
  do {
    const std::size_t before = text.size();
    text.resize(before + (std::size_t{1} << 20));
    got = gzread(file, text.data() + before, 1 << 20);
    text.resize(before + static_cast<std::size_t>(std::max(got, 0)));
  } while (got > 0 && text.size() < kBytesMax);
  int error = Z_OK;
  gzerror(file, &error);
  gzclose(file);
  if (got > 0) return Error{Code::invalid, name + ": is larger than a gibibyte"};
  if (got < 0 || error == Z_BUF_ERROR) {
    return Error{Code::invalid, name + ": the compressed data are damaged"};
  }
  return text;
}

// With the API's defaults, and a uid.
ObjectPtr completed(const api::Object& object) {
  std::unique_ptr<api::Message> message(object.message().New());
  message->CopyFrom(object.message());
  api::apply_defaults(object.kind(), *message);
  api::ObjectMeta& meta = api::mutable_meta_of(object.kind(), *message);
  if (api::info(object.kind()).namespaced && meta.namespace_().empty()) {
    meta.set_namespace_("default");
  }
  if (meta.uid().empty()) {
    meta.set_uid(meta.namespace_().empty() ? meta.name() : meta.namespace_() + "/" + meta.name());
  }
  return std::make_shared<const api::Object>(object.kind(), api::MessagePtr(std::move(message)),
                                             object.revision());
}

// Pods that no admission has seen: their class says what their priority is.
ObjectPtr with_priority(const ObjectPtr& pod, const std::map<std::string, int32_t>& classes,
                        int32_t otherwise) {
  const auto& spec = pod->as<api::Pod>().spec();
  if (spec.has_priority()) return pod;
  const auto it = classes.find(spec.priority_class_name());
  const int32_t priority = it != classes.end() ? it->second
                           : spec.priority_class_name().empty() ? otherwise : 0;
  if (priority == 0) return pod;
  api::Pod changed = pod->as<api::Pod>();
  changed.mutable_spec()->set_priority(priority);
  return api::make_object(std::move(changed), pod->revision());
}

// Older first.
std::tuple<int64_t, int32_t, std::string, std::string> age(const ObjectPtr& pod) {
  const auto& created = pod->meta().creation_timestamp();
  return {created.seconds(), created.nanos(), pod->ns(), pod->name()};
}

}  // namespace

Result<Workload> parse_dump(std::string_view text, const std::string& file) {
  auto decoded = api::decode_yaml(text, file);
  if (!decoded) return Error{Code::invalid, decoded.error().message};
  Workload workload;
  workload.name = file;
  std::vector<ObjectPtr> pods;
  std::set<api::ObjectKey> seen;
  std::set<std::string> uids;
  std::map<std::string, int32_t> classes;
  int32_t default_priority = 0;
  for (const api::Decoded& one : *decoded) {
    const ObjectPtr object = completed(*one.object);
    if (object->name().empty()) {
      return Error{Code::invalid, file + ": a " + api::info(object->kind()).name + " has no name"};
    }
    if (!seen.insert(object->key()).second) {
      return Error{Code::invalid, file + ": there are two " + api::to_string(object->key())};
    }
    switch (object->kind()) {
      case Kind::nodes: workload.nodes.push_back(object); break;
      case Kind::pods:
        if (!uids.insert(object->uid()).second) {
          return Error{Code::invalid, file + ": " + api::to_string(object->key()) +
                                          " has the uid of another pod"};
        }
        pods.push_back(object);
        break;
      case Kind::priority_classes: {
        const auto& priority = object->as<api::PriorityClass>();
        classes[object->name()] = priority.value();
        if (priority.global_default()) default_priority = priority.value();
        workload.others.push_back(object);
        break;
      }
      default: workload.others.push_back(object);
    }
  }
  if (workload.nodes.empty()) {
    return Error{Code::invalid, file + ": there are no nodes in it; make it with: kubectl get "
                                       "nodes,pods,pdb,priorityclasses,services,rs,deployments -A -o yaml"};
  }
  std::sort(pods.begin(), pods.end(),
            [](const ObjectPtr& a, const ObjectPtr& b) { return age(a) < age(b); });
  for (const ObjectPtr& found : pods) {
    if (scheduler::terminal_phase(found->as<api::Pod>())) continue;
    const ObjectPtr pod = with_priority(found, classes, default_priority);
    if (!pod->as<api::Pod>().spec().node_name().empty()) {
      workload.bound.push_back(pod);
    } else if (!pod->deleting()) {
      workload.arrivals.push_back({pod, Duration::zero(), std::nullopt});
    }
  }
  return workload;
}

Result<Workload> read_dump(const std::string& file) {
  auto text = read_all(file);
  if (!text) return text.error();
  return parse_dump(*text, file);
}

}  // namespace keelson::lab
