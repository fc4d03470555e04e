// What containers' own processes do in a world in which commands are run: SimRuntime's other half.
#include <algorithm>

#include "sim/inside/program.hpp"
#include "sim/world/runtime.hpp"

namespace keelson::sim {

using agent::ContainerState;

namespace {

// No process ends before its start has been heard of.
constexpr Duration kShortest = 5ms;
constexpr Duration kProbeTakes = 2ms;

}  // namespace

void SimRuntime::begin_program(Container& container) {
  const agent::ContainerSpec& spec = *container.spec;
  container.program = program_of(*spec.container,
                                 whole_command(container.info.image, spec.command, spec.args),
                                 inside(container.info, *spec.pod),
                                 container.info.started_at);
  if (!container.program) return;
  container.program_from = engine_.now();
  if (!container.program->ends) return;
  const Duration takes = std::max(container.program->length, kShortest);
  later(takes, [this, id = container.info.id, code = container.program->code] {
    end_process(id, code);
  });
}

Inside SimRuntime::inside(const agent::ContainerInfo& info, const api::Pod& pod) const {
  const agent::Environment* environment = nullptr;
  for (const auto& container : containers_) {
    if (container->info.id == info.id && container->spec) environment = &container->spec->environment;
  }
  Inside inside = look_inside(pod, node_, info.name, environment);
  for (const agent::SandboxInfo& sandbox : sandboxes_) {
    if (sandbox.id == info.sandbox) inside.ip = sandbox.ip;
  }
  return inside;
}

std::shared_ptr<const Program> SimRuntime::program(const agent::ContainerId& id) const {
  for (const auto& container : containers_) {
    if (container->info.id == id) return container->program;
  }
  return nullptr;
}

std::shared_ptr<ContainerFiles> SimRuntime::files(const agent::ContainerId& id) {
  Container* container = find(id);
  if (container == nullptr) return nullptr;
  files_of(*container);
  return container->files;
}

ContainerFiles& SimRuntime::files_of(Container& container) {
  if (!container.files) {
    container.files = std::make_shared<ContainerFiles>();
    if (container.program && container.program->writable) {
      container.files->make_read_only(*container.program->writable);
    }
  }
  if (container.program) {
    const Duration ran = engine_.now() - container.program_from;
    const auto& changes = container.program->changes;
    for (std::size_t& next = container.changes_made;
         next < changes.size() && changes[next].at <= ran; ++next) {
      container.files->apply(changes[next].change);
    }
  }
  return *container.files;
}

std::string SimRuntime::illness_of(const Container& container, const api::Probe& probe) const {
  if (!container.program || !probe.handler().has_http_get()) return {};
  const Serving& serving = container.program->serving;
  const int32_t port = probe.handler().http_get().port().int_val();
  if (serving.port && port != 0 && port != *serving.port) return why_it_failed(probe, &container, false);
  if (!serving.well_for || engine_.now() - container.program_from < *serving.well_for) return {};
  return "HTTP probe failed with statuscode: 500";
}

bool SimRuntime::runs_probe(const Container& container, const api::Probe& probe) const {
  const auto& command = probe.handler().exec().command();
  return container.program && container.program->known && !command.empty() &&
         Shell::knows(command[0]);
}

void SimRuntime::run_probe(Container& container, const api::Probe& probe,
                           Done<agent::ProbeAnswer> done) {
  const auto& command = probe.handler().exec().command();
  const Inside sees = inside(container.info, *container.spec->pod);
  Shell shell(sees, files_of(container), container.info.started_at + (engine_.now() - container.program_from));
  const Outcome outcome = shell.run_program({command.begin(), command.end()});
  agent::ProbeAnswer said;
  // What cannot be run here finds what it hopes for.
  if (outcome.code != 0 && !shell.met_unknown()) {
    said.result = agent::ProbeResult::failure;
    for (const Outcome::Piece& piece : outcome.pieces) said.output += piece.text;
    said.output = readable(std::string_view(said.output).substr(0, agent::probe_output_max / 3));
  }
  const Duration takes = shell.met_unknown() ? kProbeTakes : outcome.length + kProbeTakes;
  answer<agent::ProbeAnswer>(takes, std::move(done), std::move(said));
}

}  // namespace keelson::sim
