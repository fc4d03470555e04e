#include "sim/live/live_world.hpp"

#include <algorithm>

#include "core/apiserver/api_server.hpp"
#include "core/apiserver/watch_cache.hpp"
#include "core/rest/bearer.hpp"
#include "sim/live/answers.hpp"
#include "sim/scenario/reader.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/world/control_plane.hpp"

namespace keelson::sim {

namespace {

constexpr std::size_t kNotesMax = 1000;
// What a request may take of a paused clock's time: some calls of the store and back.
constexpr Duration kOwed = 100ms;
// Faults that end by themselves, if nobody says when, last this long.
constexpr Duration kRestart = 10s;
constexpr std::string_view kRestarts[] = {"reboot", "agent-crash", "api-server-restart",
                                          "leader-kill"};

using rest::kBearer;

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

// Without `for`, what lasts does so until it is healed.
Result<FaultSpec> read_fault(const std::string& text, const WorldOptions& options) {
  auto spec = parse_fault(text, "fault");
  if (!spec) return spec;
  if (!spec->timed) {
    const auto end = std::end(kRestarts);
    if (std::find(std::begin(kRestarts), end, spec->kind) != end) {
      spec->lasts = kRestart;
    } else {
      spec->forever = true;
    }
  }
  if (const Status ok = check_fault(*spec, options, false); !ok) return ok.error();
  return spec;
}

}  // namespace

LiveWorld::LiveWorld(LiveOptions options) : options_(std::move(options)) {
  Observers observers;
  if (options_.check) {
    checks_ = std::make_unique<CheckSuite>(options_.world.kubernetes_profile);
    observers = checks_->observers();
  }
  observers.notes = [this](const Note& item) { note(item); };
  observers.api_server_began = [this](ApiServerProcess& process) {
    if (options_.make_front) fronts_[&process] = options_.make_front(*world_, process);
  };
  observers.api_server_ends = [this](ApiServerProcess& process) {
    if (exchanges_) exchanges_->cut(process.process());
    fronts_.erase(&process);
  };
  if (options_.signer) {
    signer_ = std::make_unique<RecordedSigner>(options_.signer, [this](std::string answer) {
      Input input;
      input.kind = Input::Kind::signing;
      input.text = std::move(answer);
      enter(std::move(input));
    });
    options_.world.signer = signer_.get();
  }
  world_ = std::make_unique<World>(options_.world, std::move(observers));
  if (checks_) checks_->attach(*world_);
  exchanges_ = std::make_unique<Exchanges>(world_->engine(),
                                           [this](Input input) { enter(std::move(input)); });
  injector_ = std::make_unique<Injector>(*world_);
  injector_->keep_forever();
}

LiveWorld::~LiveWorld() {
  recorder_ = nullptr;
  before_input_ = nullptr;
  running_ = true;  // whatever connections still say is not heard
  injector_.reset();
  world_.reset();
}

void LiveWorld::start() {
  world_->start();
}

void LiveWorld::note(const Note& item) {
  if (told_by_fault_ != nullptr && item.source == "fault") {
    *told_by_fault_ += (told_by_fault_->empty() ? "" : "; ") + item.text;
  }
  notes_.push_back(item);
  if (notes_.size() > kNotesMax) {
    notes_.pop_front();
    ++notes_dropped_;
  }
  if (options_.on_note) options_.on_note(item);
}

// --- Time
// -------------------------------------------------------------------------------------------

bool LiveWorld::run(Instant until, uint64_t events_max) {
  Engine& engine = world_->engine();
  const uint64_t last =
      events_max > UINT64_MAX - engine.events_run() ? UINT64_MAX : engine.events_run() + events_max;
  while (engine.due_by(until)) {
    if (engine.events_run() >= last) return false;
    engine.step();
  }
  engine.run_until(until);
  return true;
}

bool LiveWorld::advance(Instant until, uint64_t events_max) {
  if (until < now()) return true;
  running_ = true;
  bool arrived = true;
  if (!checks_) {
    arrived = run(until, events_max);
  } else {
    // The checks look at each second, after all that happened in it.
    while (arrived && now() < until) {
      const Instant next = std::min(until, checked_until_ + 1s);
      arrived = run(next, events_max);
      if (arrived && next == checked_until_ + 1s) {
        checked_until_ = next;
        checks_->second();
      }
    }
    if (arrived) arrived = run(until, events_max);
  }
  running_ = false;
  exchanges_->poll();
  letting_in_ = true;  // in their order, and at this instant
  for (auto& [input, connection] : std::exchange(waiting_, {})) {
    enter(std::move(input), std::move(connection));
  }
  letting_in_ = false;
  return arrived;
}

std::optional<Instant> LiveWorld::owed_until() const {
  const auto since = exchanges_->waiting_since();
  if (!since || now() >= *since + kOwed) return std::nullopt;
  return *since + kOwed;
}

bool LiveWorld::ready() {
  for (std::size_t i = 0; i < world_->api_server_count(); ++i) {
    const auto* server = world_->api_server(i).server();
    if (server != nullptr && server->ready()) return true;
  }
  return false;
}

std::size_t LiveWorld::ready_nodes() {
  for (std::size_t i = 0; i < world_->api_server_count(); ++i) {
    const auto* server = world_->api_server(i).server();
    if (server == nullptr || !server->ready()) continue;
    std::size_t count = 0;
    for (const auto& [name, object] : server->cache().objects(api::Kind::nodes)) {
      for (const auto& condition : object->as<api::Node>().status().conditions()) {
        count += condition.type() == "Ready" && condition.status() == "True" ? 1 : 0;
      }
    }
    return count;
  }
  return 0;
}

// --- What enters
// ------------------------------------------------------------------------------------

void LiveWorld::enter(Input input, rest::ExchangePtr connection) {
  if (running_) {
    waiting_.emplace_back(std::move(input), std::move(connection));
    return;
  }
  if (before_input_ && !letting_in_) before_input_();
  const Engine& engine = world_->engine();
  Entry entry{engine.now(), engine.events_run(), engine.digest().value(), std::move(input)};
  if (recorder_) recorder_(entry);
  apply(entry.input, std::move(connection));
}

void LiveWorld::apply(const Input& input, rest::ExchangePtr connection) {
  switch (input.kind) {
    case Input::Kind::request: return apply_request(input, std::move(connection));
    case Input::Kind::fault: {
      const auto spec = read_fault(input.text, world_->options());
      if (!spec) return;  // a recording from elsewhere: it was checked before it entered
      std::string what;
      told_by_fault_ = &what;
      injector_->inject(*spec);
      told_by_fault_ = nullptr;
      const uint64_t number = injector_->injections();
      if (injector_->lasts(number)) faults_[number] = {number, *spec, std::move(what), now()};
      return;
    }
    case Input::Kind::heal: injector_->heal(input.exchange); return;
    case Input::Kind::signing:  // was heard when it was said
    case Input::Kind::end: return;
    default: return exchanges_->apply(input);
  }
}

Process* LiveWorld::open_server(LiveFront** front) {
  for (std::size_t i = 0; i < world_->api_server_count(); ++i) {
    ApiServerProcess& server = world_->api_server(i);
    const auto it = fronts_.find(&server);
    if (it == fronts_.end() || !server.process().alive()) continue;
    *front = it->second.get();
    return &server.process();
  }
  return nullptr;
}

void LiveWorld::apply_request(const Input& input, rest::ExchangePtr connection) {
  last_exchange_ = std::max(last_exchange_, input.exchange);
  LiveFront* front = nullptr;
  Process* process = open_server(&front);
  if (process == nullptr) {
    if (!connection) return;
    return connection->respond(failure(503, "ServiceUnavailable",
                                       "no API server is up: it has crashed, and is not back yet"));
  }
  auto exchange = exchanges_->open(input.exchange, *process, std::move(connection));
  // The front lives as long as the process's life, and so does the event.
  process->deliver(Duration::zero(), [front, request = input.request, exchange] {
    front->handle(request, exchange);
  });
}

std::optional<auth::UserInfo> LiveWorld::identify(rest::HttpRequest& request) {
  rest::unwrap_protocol_token(request);  // recordings hold no tokens
  for (rest::Header& header : request.headers) {
    if (!same_word(header.name, "Authorization")) continue;
    std::string given = std::exchange(header.value, std::string(kBearer) + "invalid");
    LiveFront* front = nullptr;
    if (request.peer.user || open_server(&front) == nullptr) continue;
    std::string_view token = given;
    if (token.size() <= kBearer.size() || !same_word(token.substr(0, kBearer.size()), kBearer)) {
      continue;
    }
    request.peer.user = front->authenticate(token.substr(kBearer.size()));
  }
  if (request.peer.user) {
    std::erase_if(request.headers,
                  [](const rest::Header& h) { return same_word(h.name, "Authorization"); });
  }
  return request.peer.user;
}

void LiveWorld::handle(rest::HttpRequest request, rest::ExchangePtr exchange) {
  identify(request);
  Input input;
  input.kind = Input::Kind::request;
  input.exchange = ++last_exchange_;
  input.request = std::move(request);
  enter(std::move(input), std::move(exchange));
}

Result<uint64_t> LiveWorld::inject(const std::string& fault) {
  const auto spec = read_fault(fault, world_->options());
  if (!spec) return spec.error();
  const auto fired = [&] {
    const auto& counts = injector_->counts();
    const auto it = counts.find(spec->kind);
    return it == counts.end() ? uint64_t{0} : it->second.fired;
  };
  const uint64_t before = fired();
  Input input;
  input.kind = Input::Kind::fault;
  input.text = fault;
  enter(std::move(input));
  if (fired() == before) {
    return Error{Code::denied,
                 "nothing happened: there is nothing that " + spec->kind + " could break now"};
  }
  return injector_->injections();
}

bool LiveWorld::heal(uint64_t fault) {
  if (!injector_->lasts(fault)) return false;
  Input input;
  input.kind = Input::Kind::heal;
  input.exchange = fault;
  enter(std::move(input));
  return true;
}

void LiveWorld::expect_signing(std::string answer) {
  if (signer_) signer_->expect(std::move(answer));
}

void LiveWorld::end() {
  enter({});
}

Status LiveWorld::replay(const Entry& entry) {
  Engine& engine = world_->engine();
  const auto differs = [&] {
    return Status(Code::conflict, "something else has happened than when it was recorded, before " +
                                      format_duration(entry.at.time_since_epoch()));
  };
  if (engine.events_run() > entry.events || engine.now() > entry.at) return differs();
  advance(entry.at, entry.events - engine.events_run());
  // Several inputs may have entered at one instant, with and without events between them.
  if (engine.events_run() != entry.events || engine.now() != entry.at ||
      engine.digest().value() != entry.digest) {
    return differs();
  }
  apply(entry.input, nullptr);
  return {};
}

std::vector<LastingFault> LiveWorld::faults() {
  std::erase_if(faults_, [&](const auto& item) { return !injector_->lasts(item.first); });
  std::vector<LastingFault> out;
  for (const auto& [number, fault] : faults_) out.push_back(fault);
  return out;
}

}  // namespace keelson::sim
