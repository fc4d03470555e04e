// What users do to the cluster: the actions of a scenario's timeline, carried out with the calls that
// kubectl would make, from outside the cluster and over its network. An action that meets an
// unavailable API server is tried again, as a person would.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/scenario/scenario.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

class User {
 public:
  explicit User(World& world) : world_(world) {}

  void act(const UserAction& action, bool tell = true);
  void create(const api::ObjectPtr& object);
  // One after the other, as they stand in the file: later ones may need earlier ones (their
  // namespace, their priority class).
  void create_all(const std::vector<api::ObjectPtr>& objects, std::size_t from = 0);
  void remove(api::Kind kind, const std::string& ns, const std::string& name,
              api::Propagation propagation = api::Propagation::background);
  void scale(const std::string& ns, const std::string& name, int64_t replicas);
  void set_image(const std::string& ns, const std::string& name, const std::string& image);
  // To the revision; 0: the one before the current.
  void undo(const std::string& ns, const std::string& name, int64_t revision);
  void evict_all(const std::string& node);

  // Actions that have not ended yet.
  std::size_t busy() const { return busy_; }
  uint64_t failed() const { return failed_; }

 private:
  using Answer = std::function<void(const api::Response&)>;
  // Calls until it is answered by anything but unavailability (up to two minutes).
  void insist(api::Request request, Answer answer, int attempt = 0);
  // Reads, changes and writes back, again if somebody else was faster. `change` returns false if there
  // is nothing to do.
  void modify(api::Kind kind, const std::string& ns, const std::string& name,
              std::function<bool(api::Message&)> change, int attempt = 0);
  void undo_with(const std::string& what, const api::ObjectPtr& deployment,
                 const std::vector<api::ObjectPtr>& replica_sets, int64_t revision);
  void evict(const std::string& ns, const std::string& name, int attempt);
  void create(const api::ObjectPtr& object, std::function<void()> then);
  void complain(const std::string& what, const api::ApiError& error);
  void later(Duration after, std::function<void()> then);

  World& world_;
  std::size_t busy_ = 0;
  uint64_t failed_ = 0;
};

// Deployments as the generator describes them, with services if it asks for them.
std::vector<api::ObjectPtr> generate(const DeploymentGenerator& generator, Rng rng);
api::ObjectPtr generate_deployment(const DeploymentGenerator& generator, int64_t number, Rng& rng);

}  // namespace keelson::sim
