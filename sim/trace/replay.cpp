#include "sim/trace/replay.hpp"

#include <algorithm>

#include "core/api/devices.hpp"
#include "core/api/quantity.hpp"

namespace keelson::sim {

namespace {

constexpr Duration kBegin = 5s;  // the nodes register first
constexpr int kSamples = 48;

// Shared devices are asked for in thousandths; whole ones by their number. The extended resource
// counts whole devices only, so a share of one costs a device: what a cluster without a GPU-sharing
// plugin does.
api::ObjectPtr pod_of(const TracePod& pod) {
  api::Pod p;
  p.mutable_metadata()->set_name(pod.name);
  p.mutable_metadata()->set_namespace_("default");
  if (pod.gpus > 0 && pod.gpu_milli < api::kDeviceMilli) {
    (*p.mutable_metadata()->mutable_annotations())[api::kGpuMilliAnnotation] =
        std::to_string(pod.gpu_milli);
  }
  auto* spec = p.mutable_spec();
  spec->set_restart_policy("Always");
  spec->set_termination_grace_period_seconds(0);
  auto* container = spec->add_containers();
  container->set_name("main");
  container->set_image("trace:v1");
  auto& requests = *container->mutable_resources()->mutable_requests();
  requests["cpu"].set_string(std::to_string(pod.cpu_milli) + "m");
  requests["memory"].set_string(std::to_string(pod.memory_mib) + "Mi");
  if (pod.gpus > 0) {
    requests[kGpuResource].set_string(std::to_string(pod.gpus));
    (*container->mutable_resources()->mutable_limits())[kGpuResource].set_string(
        std::to_string(pod.gpus));
  }
  if (!pod.gpu_models.empty()) {
    auto* term = spec->mutable_affinity()
                     ->mutable_node_affinity()
                     ->mutable_required_during_scheduling_ignored_during_execution()
                     ->add_node_selector_terms()
                     ->add_match_expressions();
    term->set_key(kGpuModelLabel);
    term->set_operator_("In");
    for (const std::string& model : pod.gpu_models) term->add_values(model);
  }
  return api::make_object(std::move(p));
}

uint32_t ppm(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<uint32_t>(static_cast<__int128>(part) * 1'000'000 / whole);
}

}  // namespace

TraceReplay::TraceReplay(const Trace& trace, const TraceSpec& spec, World& world, User& user,
                         const CheckSuite& checks)
    : trace_(trace), spec_(spec), world_(world), user_(user), checks_(checks) {
  for (std::size_t i = 0; i < trace.pods.size(); ++i) {
    steps_.push_back({trace.pods[i].created, true, i});
    steps_.push_back({trace.pods[i].deleted, false, i});
  }
  // A pod that lives for no time is created before it is deleted.
  std::stable_sort(steps_.begin(), steps_.end(),
                   [](const Step& a, const Step& b) { return a.at < b.at; });
  for (const TraceNode& node : trace.nodes) {
    cpu_total_ += node.cpu_milli;
    memory_total_ += node.memory_mib;
    gpu_total_ += node.gpus;
  }
}

Duration TraceReplay::length() const {
  return kBegin + (steps_.empty() ? Duration::zero() : compressed(steps_.back().at));
}

void TraceReplay::start(Duration duration) {
  Engine& engine = world_.engine();
  engine.schedule(kBegin, engine.world(), [this] { next(); });
  for (int i = 1; i <= kSamples; ++i) {
    engine.schedule(std::min(length(), duration) / kSamples * i, engine.world(),
                    [this] { sample(); });
  }
}

void TraceReplay::next() {
  const Duration now = world_.now().time_since_epoch() - kBegin;
  while (next_step_ < steps_.size() && compressed(steps_[next_step_].at) <= now) {
    if (stopped_) return;
    const Step& step = steps_[next_step_++];
    const TracePod& pod = trace_.pods[step.pod];
    if (step.create) {
      ++created_;
      user_.create(pod_of(pod));
    } else {
      ++deleted_;
      user_.remove(api::Kind::pods, "default", pod.name);
    }
  }
  if (next_step_ == steps_.size() || stopped_) return;
  world_.engine().schedule(compressed(steps_[next_step_].at) - now, world_.engine().world(),
                           [this] { next(); });
}

void TraceReplay::sample() {
  TraceSample s;
  const Duration now = world_.now().time_since_epoch();
  if (now > kBegin) {
    const __int128 passed = static_cast<__int128>((now - kBegin).count()) * spec_.speed;
    s.trace_time = Duration{static_cast<int64_t>(std::min<__int128>(passed, INT64_MAX))};
  }
  int64_t cpu = 0, memory = 0, gpu = 0;
  for (const auto& [key, object] : checks_.state().all(api::Kind::pods)) {
    const auto& pod = object->as<api::Pod>();
    if (pod.spec().node_name().empty()) {
      ++s.pending;
      continue;
    }
    ++s.bound;
    for (const auto& container : pod.spec().containers()) {
      const auto& requests = container.resources().requests();
      const auto amount = [&](const char* name, bool milli) -> int64_t {
        const auto it = requests.find(name);
        if (it == requests.end()) return 0;
        return milli ? api::milli_value_of(it->second) : api::value_of(it->second);
      };
      cpu += amount("cpu", true);
      memory += amount("memory", false) / (1024 * 1024);
      gpu += amount(kGpuResource, false);
    }
  }
  s.cpu_ppm = ppm(cpu, cpu_total_);
  s.memory_ppm = ppm(memory, memory_total_);
  s.gpu_ppm = ppm(gpu, gpu_total_);
  samples_.push_back(s);
}

}  // namespace keelson::sim
