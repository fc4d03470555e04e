// The images on the node, through ImageService.
#pragma once

#include "runtime/cri/client.hpp"
#include "runtime/cri/security.hpp"

namespace keelson::cri {

class Images {
 public:
  explicit Images(Client& client) : client_(client) {}

  void list(Done<std::vector<api::ContainerImage>> done);
  // Tries one credential after the other; the error is the last one's.
  void pull(agent::ImagePull pull, Done<std::string> done);
  void remove(const std::string& image, Done<Unit> done);
  void filesystem(Done<agent::ImageFilesystem> done);
  // As whom the image wants to run.
  void user(const std::string& image, Done<ImageUser> done);

 private:
  void pull_from(std::size_t credential, std::shared_ptr<agent::ImagePull> pull,
                 Done<std::string> done);

  Client& client_;
};

}  // namespace keelson::cri
