// What users do, for real: each action is the command that its line of the timeline shows.
#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "tools/cli/real/play.hpp"

namespace keelson::real {

namespace {

using Verb = sim::UserAction::Verb;

std::string yaml_of(const std::vector<api::ObjectPtr>& objects) {
  std::string out;
  for (const api::ObjectPtr& object : objects) out += "---\n" + api::encode_yaml(*object);
  return out;
}

// The server was not there, or could not say.
bool unsure(const std::string& output) {
  for (const char* sign : {"(ServiceUnavailable)", "(Timeout)", "(InternalError)", "(TooManyRequests)"}) {
    if (output.find(sign) != output.npos) return true;
  }
  return output.find("Error from server") == output.npos && output.find("error:") == output.npos;
}

std::vector<std::string> words_of(const sim::UserAction& action) {
  const std::string deployment = "deployments/" + action.name;
  const auto rollout = [&](const char* what) {
    return std::vector<std::string>{"rollout", what, deployment};
  };
  switch (action.verb) {
    case Verb::apply: return {"apply", "-f", "-"};
    case Verb::run: {
      std::vector<std::string> words = {"run", action.name, "--image=" + action.image,
                                        "--replicas=" + std::to_string(action.replicas)};
      if (action.port != 0) words.push_back("--port=" + std::to_string(action.port));
      return words;
    }
    case Verb::expose:
      return {"expose", "deployment", action.name, "--port=" + std::to_string(action.port),
              "--type=" + action.type};
    case Verb::scale: return {"scale", deployment, "--replicas=" + std::to_string(action.replicas)};
    case Verb::set_image: return {"set", "image", deployment, "*=" + action.image};
    case Verb::undo: {
      auto words = rollout("undo");
      if (action.revision != 0) words.push_back("--to-revision=" + std::to_string(action.revision));
      return words;
    }
    case Verb::pause: return rollout("pause");
    case Verb::resume: return rollout("resume");
    case Verb::restart: return rollout("restart");
    case Verb::remove: {
      const char* cascade = action.cascade == api::Propagation::foreground ? "foreground"
                            : action.cascade == api::Propagation::orphan   ? "orphan"
                                                                           : "background";
      return {"delete", action.name.find('/') == action.name.npos ? deployment : action.name,
              "--wait=false", "--ignore-not-found", std::string("--cascade=") + cascade};
    }
    case Verb::cordon: return {"cordon", action.name};
    case Verb::uncordon: return {"uncordon", action.name};
    case Verb::drain:
      return {"drain", action.name, "--ignore-daemonsets", "--force", "--delete-emptydir-data"};
  }
  return {};
}

}  // namespace

hosts::Outcome Play::keelson(const std::vector<std::string>& words, const std::string& input,
                             std::chrono::seconds limit) {
  std::string command = shell_word(making_.binary);
  for (const std::string& word : words) command += " " + shell_word(word);
  if (!input.empty()) command += " <<'KEELSON_END_OF_INPUT'\n" + input + "\nKEELSON_END_OF_INPUT\n";
  return hosts_->run(1, command, limit);
}

void Play::user(std::vector<std::string> words, const std::string& input) {
  ++busy_;
  users_.emplace_back([this, words = std::move(words), input] {
    constexpr int kAttempts = 60;
    for (int attempt = 0; !over_; ++attempt) {
      const hosts::Outcome outcome = keelson(words, input, std::chrono::seconds(120));
      if (outcome.exit_code == 0) break;
      // After a lost answer the second attempt finds the object there: that is success.
      if (attempt > 0 && outcome.output.find("(AlreadyExists)") != outcome.output.npos) break;
      if (attempt == kAttempts || !unsure(outcome.output)) {
        const std::lock_guard lock(mutex_);
        note(Level::warning, "user", outcome.output.substr(0, outcome.output.find('\n')));
        break;
      }
      std::this_thread::sleep_for(2s);
    }
    --busy_;
  });
}

void Play::act(const sim::UserAction& action) {
  std::vector<std::string> words = words_of(action);
  if (action.verb != Verb::apply && action.verb != Verb::cordon && action.verb != Verb::uncordon &&
      action.verb != Verb::drain) {
    words.insert(words.end(), {"-n", action.ns});
  }
  user(std::move(words), action.verb == Verb::apply ? yaml_of(action.objects) : "");
}

void Play::apply_manifests() { user({"apply", "-f", "-"}, yaml_of(scenario_->manifests)); }

std::string Play::clean() {
  for (const auto& undo : std::exchange(forever_, {})) undo();
  std::vector<std::vector<std::string>> commands;
  std::string manifests = yaml_of(scenario_->manifests);
  for (const sim::TimedAction& entry : scenario_->timeline) {
    if (!entry.action) continue;
    const sim::UserAction& action = *entry.action;
    if (action.verb == Verb::apply) manifests += yaml_of(action.objects);
    if (action.verb == Verb::run) {
      commands.push_back({"delete", "deployment", action.name, "-n", action.ns, "--ignore-not-found"});
    }
    if (action.verb == Verb::expose) {
      commands.push_back({"delete", "service", action.name, "-n", action.ns, "--ignore-not-found"});
    }
    if (action.verb == Verb::cordon || action.verb == Verb::drain) {
      commands.push_back({"uncordon", action.name});
    }
  }
  for (const auto& command : commands) {
    const hosts::Outcome done = keelson(command, "", std::chrono::seconds(60));
    if (done.exit_code != 0) return command.front() + ": " + done.output;
  }
  if (!manifests.empty()) {
    const hosts::Outcome done =
        keelson({"delete", "-f", "-", "--ignore-not-found"}, manifests, std::chrono::seconds(60));
    if (done.exit_code != 0) return "delete -f: " + done.output;
  }
  const auto empty = [this] {
    return pending().empty() && observer_->all(api::Kind::deployments).empty() &&
           observer_->all(api::Kind::pods).empty();
  };
  return wait_for(empty, 500ms, 60s, [] { return false; }) ? "" : "what the timeline has made is not gone within a minute";
}

}  // namespace keelson::real
