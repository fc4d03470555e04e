// The images on the node: which are there, which are being pulled. One pull per image at a time,
// whoever wants it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/agent/context.hpp"

namespace keelson::agent {

// "nginx" -> "docker.io/library/nginx:latest", as containerd names images.
std::string normalize_image(std::string_view image);
// Kubernetes' default: Always for the tag latest or none, else IfNotPresent.
std::string_view pull_policy(const api::Container& container);

class ImageStore {
 public:
  ImageStore(Context& context, std::function<void()> on_change)
      : context_(context), on_change_(std::move(on_change)) {}

  void refresh();  // asks the runtime
  // `done` when the runtime has been asked after this call: others put images on a node, too. Also if it
  // has not answered.
  void look_again(Callback<void()> done);
  // The id to create containers with, if the image is known to be there.
  std::optional<std::string> find(std::string_view image) const;
  // Callers who want the same image with the same credentials share a pull.
  void pull(ImagePull pull, Done<std::string> done);
  // The runtime says that it is not there after all.
  void forget(std::string_view image);
  const std::vector<api::ContainerImage>& images() const { return images_; }

 private:
  void on_pulled(const ImagePull& pull, Result<std::string> id);

  Context& context_;
  std::function<void()> on_change_;
  std::vector<api::ContainerImage> images_;
  std::map<std::string, std::string, std::less<>> ids_;  // normalized name -> id
  std::map<ImagePull, std::vector<Done<std::string>>> pulls_;
  std::vector<Callback<void()>> looking_, looking_next_;
  bool refreshing_ = false;
  bool again_ = false;
  Lifetime lifetime_;
};

}  // namespace keelson::agent
