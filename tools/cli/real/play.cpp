#include "tools/cli/real/play.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "core/api/kinds.hpp"
#include "sim/report/report.hpp"
#include "tools/cli/cluster/kubeconfig.hpp"
#include "tools/cli/real/check.hpp"

namespace keelson::real {

namespace json = boost::json;

namespace {

// The clock by which the record's other parts tell the time.
std::string wall_ns() {
  return std::to_string(std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count());
}

constexpr Duration kTick = 20ms;
// Settled means settled for a while: nothing to be done between two steps is not the end, and an agent
// that has just got its power back has not told yet what it has lost. As long as in the simulator.
constexpr Duration kSettled = 5s;

template <class Status>
bool reports_ready(const Status& status) {
  for (const auto& condition : status.conditions()) {
    if (condition.type() == "Ready") return condition.status() == "True";
  }
  return false;
}

bool complete(const api::Deployment& d) {
  const auto& status = d.status();
  return status.observed_generation() >= d.metadata().generation() &&
         status.replicas() == d.spec().replicas() && status.updated_replicas() == d.spec().replicas() &&
         status.available_replicas() == d.spec().replicas();
}

}  // namespace

std::string shell_word(const std::string& word) {
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

Play::Play(const sim::Scenario& scenario, hosts::Making making)
    : scenario_(&scenario), making_(std::move(making)), places_(places(scenario)) {}

Play::~Play() {
  over_ = true;
  join_users();
  for (const auto& undo : forever_) undo();
  if (clients_) clients_->stop();
  observer_.reset();
}

std::string Play::make() {
  record_ = json::serialize(json::object{{"machines", "well"}}) + '\n' +
            json::serialize(json::object{
                {"profile", scenario_->world.kubernetes_profile ? "kubernetes" : "keelson"}}) +
            '\n';
  hosts_ = std::make_unique<hosts::Hosts>(static_cast<int>(places_.size()) + 1, making_);
  if (!hosts_->ok()) return hosts_->trouble();
  std::string why = hosts_->init(
      1, std::string("--timing ") + (scenario_->world.kubernetes_profile ? "kubernetes" : "keelson") +
             (scenario_->world.service_network.empty()
                  ? ""
                  : " --service-cidr " + scenario_->world.service_network + "/" +
                        std::to_string(scenario_->world.service_prefix)));
  for (const Place& place : places_) {
    if (why.empty()) why = join(place);
  }
  return why.empty() ? watch() : why;
}

std::string Play::join(const Place& place) {
  std::string labels, taints;
  const auto add = [](std::string& list, const std::string& item) {
    list += (list.empty() ? "" : ",") + item;
  };
  if (!place.zone.empty()) add(labels, "topology.kubernetes.io/zone=" + place.zone);
  for (const auto& [key, value] : place.pool->labels) add(labels, key + "=" + value);
  for (const auto& taint : place.pool->taints) {
    add(taints, taint.key() + "=" + taint.value() + ":" + taint.effect());
  }
  std::string options = "--max-pods " + std::to_string(place.pool->max_pods);
  if (!labels.empty()) options += " --labels " + shell_word(labels);
  if (!taints.empty()) options += " --taints " + shell_word(taints);
  if (std::string why = hosts_->join(place.host, options, place.node); !why.empty()) return why;
  const std::string ctr =
      "ctr -a " + hosts_->root(place.host) + "/run/keelson/containerd.sock -n k8s.io images tag ";
  int number = 0;
  for (const std::string& image : images_of(*scenario_)) {
    if (made_here(image)) continue;
    const char* by = number++ % 2 == 0 ? "1.7.9" : "1.8";
    const hosts::Outcome tagged =
        hosts_->run(place.host, ctr + "docker.io/library/nginx:" + by + " " + shell_word(full_reference(image)));
    if (tagged.exit_code != 0) return "ctr images tag: " + tagged.output;
  }
  return {};
}

std::string Play::watch() {
  cli::ConnectionFlags flags;
  flags.kubeconfig = hosts_->kubeconfig();
  const cli::Surroundings around = cli::real_surroundings();
  const auto config = cli::load_kubeconfig(flags, around);
  if (!config) return config.error().message;
  const auto connection = cli::connection_of(*config, flags, around);
  if (!connection) return connection.error().message;
  http::ClientOptions server;
  server.server = connection->server;
  server.ca_pem = connection->ca_pem;
  server.client_cert_pem = connection->client_cert_pem;
  server.client_key_pem = connection->client_key_pem;
  server.connect_timeout = 2s;
  observer_ = std::make_unique<Observer>(
      std::move(server), hosts_->network(1),
      [this](Clock::time_point at, const api::ObjectPtr& object, const api::ObjectPtr& previous) {
        hear(at, object, previous);
      });
  const auto ready = [this] { return observer_->listed() && pending().empty(); };
  return wait_for(ready, 1s, 60s, [] { return false; }) ? "" : "the nodes did not get ready within a minute";
}

void Play::hear(Clock::time_point at, const api::ObjectPtr& object, const api::ObjectPtr& previous) {
  const std::lock_guard lock(mutex_);
  if (!playing_) return;
  history_.changes.push_back({at - begin_, object, previous});
  if (object) {
    record_ += json::serialize(json::object{{"promised", std::to_string(object->revision().value)},
                                            {"kind", api::info(object->kind()).qualified},
                                            {"name", object->ns() + "/" + object->name()}}) + '\n';
  }
  store::StoreEvent event;
  event.object = object;
  event.previous = previous;
  narrator_->on_commits({&event, 1});
}

void Play::machine(const std::string& node, bool powered, bool reachable) {
  const std::lock_guard lock(mutex_);
  record_ += json::serialize(json::object{
                 {"at", wall_ns()}, {"machine", node}, {"powered", powered}, {"reachable", reachable}}) +
             '\n';
}

Status Play::record(const std::string& directory) {
  std::map<std::string, std::string> journals;
  for (const Place& place : places_) journals[place.node] = hosts_->journal(place.host);
  const std::lock_guard lock(mutex_);
  return record_cluster(directory, hosts_->store(), journals, record_);
}

// REQUIRES: mutex_ is held.
void Play::note(Level level, std::string source, std::string text) {
  history_.notes.push_back({Instant{} + now(), level, std::move(source), std::move(text)});
  if (listener_) listener_(history_.notes.back());
}

History Play::run(uint64_t seed, const std::function<bool()>& stop) {
  rng_ = std::make_unique<Rng>(Rng(seed).fork("faults"));
  clients_ = std::make_unique<Clients>(*hosts_, *scenario_, places_);
  const auto told = [this](Level level, std::string source, std::string text) {
    note(level, std::move(source), std::move(text));
  };
  const auto said = [this](Level level, const std::string& source, std::string text) {
    const std::lock_guard lock(mutex_);
    note(level, source, std::move(text));
  };
  // What was there before the beginning.
  std::vector<api::ObjectPtr> known;
  for (const api::Kind kind : {api::Kind::nodes, api::Kind::pods, api::Kind::deployments}) {
    for (const api::ObjectPtr& object : observer_->all(kind)) known.push_back(object);
  }
  {
    const std::lock_guard lock(mutex_);
    history_ = {};
    booting_.clear();
    narrator_ = std::make_unique<sim::Narrator>(told, scenario_->quiet_timeline);
    begin_ = Clock::now();
    playing_ = true;
    for (const api::ObjectPtr& object : known) {
      history_.changes.push_back({Duration{-1}, object, nullptr});
      store::StoreEvent event;
      event.object = object;
      narrator_->on_commits({&event, 1});
    }
  }
  stage_ = std::make_unique<Stage>(Stage{
      *hosts_, places_, *rng_, [said](std::string text) { said(Level::warning, "fault", std::move(text)); },
      [this](const sim::FaultSpec& spec, std::string what, std::function<void()> heal) {
        if (spec.forever) {
          forever_.push_back(std::move(heal));
        } else {
          due_.emplace(std::min(now() + spec.lasts, scenario_->duration), Due{std::move(what), std::move(heal)});
        }
      },
      [this](const std::string& node, bool on, Clock::time_point at) {
        machine(node, on, on);
        if (on) {
          booting_.insert(node);
        } else {
          booting_.erase(node);
          clients_->powered(node, false, at);
        }
      },
      [this](const std::string& node, bool others) { machine(node, true, others); }});
  schedule();
  bool stopped = false;
  while (turn()) {
    if (!stopped && (stopped = stop())) {
      said(Level::warning, "run", "interrupted");
      // What has begun is undone all the same.
      std::erase_if(due_, [](const auto& due) { return due.second.what.starts_with("entry"); });
    }
    if (stopped) break;
    std::this_thread::sleep_for(kTick);
  }
  for (auto& [at, due] : std::exchange(due_, {})) due.act();  // only if it was interrupted
  const auto quiet = [this] {
    turn();
    return busy_ == 0 && pending().empty();
  };
  std::string waits_for;
  const bool well = !stopped && wait_for(quiet, kSettled, scenario_->converge, stop);
  if (!well) waits_for = pending();
  over_ = !well;
  join_users();
  over_ = false;
  clients_->stop();
  const std::lock_guard lock(mutex_);
  if (!well) history_.trouble = stop() ? "interrupted" : "has not settled: " + waits_for;
  note(well ? Level::info : Level::warning, "run", well ? "settled" : history_.trouble);
  if (well) record_ += json::serialize(json::object{{"at", wall_ns()}, {"settled", true}}) + '\n';
  playing_ = false;
  history_.requests = clients_->sent();
  history_.requests_lost = clients_->lost();
  return std::move(history_);
}

bool Play::wait_for(const std::function<bool()>& holds, Duration for_how_long, Duration limit,
                    const std::function<bool()>& stop) {
  const auto end = Clock::now() + limit;
  auto since = Clock::time_point::max();
  while (Clock::now() < end && !stop()) {
    if (!holds()) {
      since = Clock::time_point::max();
    } else if (since == Clock::time_point::max()) {
      since = Clock::now();
    } else if (Clock::now() - since >= for_how_long) {
      return true;
    }
    std::this_thread::sleep_for(kTick);
  }
  return false;
}

void Play::schedule() {
  // The simulator's users come when the API server has made its own things; the file's times count from
  // the same beginning.
  if (!scenario_->manifests.empty()) due_.emplace(2s, Due{"entry", [this] { apply_manifests(); }});
  for (std::size_t i = 0; i < scenario_->timeline.size(); ++i) {
    due_.emplace(scenario_->timeline[i].at, Due{"entry", [this, i] { begin(i); }});
  }
}

void Play::begin(std::size_t entry) {
  const sim::TimedAction& timed = scenario_->timeline[entry];
  {
    const std::lock_guard lock(mutex_);
    history_.deeds.push_back({now(), entry});
    if (timed.action) note(Level::info, "user", "keelson " + timed.action->text);
  }
  if (timed.action) act(*timed.action);
  if (timed.fault && !find_real_fault(timed.fault->kind)->inject(*stage_, *timed.fault)) {
    const std::lock_guard lock(mutex_);
    note(Level::warning, "fault", timed.fault->kind + ": there was nothing to break");
  }
}

bool Play::turn() {
  while (!due_.empty() && due_.begin()->first <= now()) {
    Due due = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    due.act();
    if (due.what.empty() || due.what == "entry") continue;
    const std::lock_guard lock(mutex_);
    note(Level::warning, "fault", due.what);
  }
  std::map<std::string, std::string> services;
  std::set<std::string> serving;
  for (const api::ObjectPtr& object : observer_->all(api::Kind::endpoint_slices)) {
    const auto label = object->meta().labels().find("kubernetes.io/service-name");
    if (label == object->meta().labels().end()) continue;
    for (const auto& endpoint : object->as<api::EndpointSlice>().endpoints()) {
      if (endpoint.conditions().ready()) serving.insert(object->ns() + "/" + label->second);
    }
  }
  for (const api::ObjectPtr& object : observer_->all(api::Kind::services)) {
    const std::string name = object->ns() + "/" + object->name();
    if (serving.contains(name)) services[name] = object->as<api::Service>().spec().cluster_ip();
  }
  // A node that has just booted serves no clients yet.
  for (const api::ObjectPtr& node : observer_->all(api::Kind::nodes)) {
    if (booting_.contains(node->name()) && reports_ready(node->as<api::Node>().status())) {
      booting_.erase(node->name());
      clients_->powered(node->name(), true, Clock::now());
    }
  }
  clients_->look(services);
  return !due_.empty();
}

std::string Play::pending() const {
  std::map<std::string, const Place*> known;
  for (const Place& place : places_) known[place.node] = &place;
  const auto nodes = observer_->all(api::Kind::nodes);
  if (nodes.size() < places_.size()) return "nodes are missing";
  for (const api::ObjectPtr& node : nodes) {
    const auto place = known.find(node->name());
    if (place != known.end() && place->second->powered && !reports_ready(node->as<api::Node>().status())) {
      return node->name() + " is not ready";
    }
  }
  for (const api::ObjectPtr& d : observer_->all(api::Kind::deployments)) {
    if (!complete(d->as<api::Deployment>())) return "deployment " + d->name() + " is not complete";
  }
  for (const api::ObjectPtr& pod : observer_->all(api::Kind::pods)) {
    const auto place = known.find(pod->as<api::Pod>().spec().node_name());
    if (place != known.end() && !place->second->powered) continue;
    if (pod->meta().has_deletion_timestamp()) return "pod " + pod->name() + " is not gone";
    if (!reports_ready(pod->as<api::Pod>().status())) return "pod " + pod->name() + " is not ready";
  }
  return {};
}

void Play::join_users() {
  for (std::thread& user : users_) user.join();
  users_.clear();
}

}  // namespace keelson::real
