#include "core/agent/images.hpp"

#include <fmt/format.h>

namespace keelson::agent {

namespace {

bool has_tag(std::string_view image) {
  const std::size_t slash = image.rfind('/');
  const std::string_view last = slash == image.npos ? image : image.substr(slash + 1);
  return last.find(':') != last.npos || image.find('@') != image.npos;
}

}  // namespace

std::string normalize_image(std::string_view image) {
  std::string name;
  const std::size_t slash = image.find('/');
  if (slash == image.npos) {
    name = "docker.io/library/";
  } else {
    // The first part is a registry if it looks like a host. Source: distribution/reference.
    const std::string_view first = image.substr(0, slash);
    if (first.find_first_of(".:") == first.npos && first != "localhost") name = "docker.io/";
  }
  name += image;
  if (!has_tag(image)) name += ":latest";
  return name;
}

std::string_view pull_policy(const api::Container& container) {
  if (!container.image_pull_policy().empty()) return container.image_pull_policy();
  const std::string& image = container.image();
  const bool latest = !has_tag(image) || std::string_view(image).ends_with(":latest");
  return latest && image.find('@') == image.npos ? "Always" : "IfNotPresent";
}

void ImageStore::refresh() {
  if (refreshing_) {
    again_ = true;
    return;
  }
  refreshing_ = true;
  again_ = false;
  looking_ = std::exchange(looking_next_, {});
  context_.runtime.list_images(
      lifetime_.guard([this](Result<std::vector<api::ContainerImage>> answer) {
        refreshing_ = false;
        if (answer.ok()) {
          images_ = std::move(answer).value();
          std::map<std::string, std::string, std::less<>> known;
          for (const api::ContainerImage& image : images_) {
            for (const std::string& name : image.names()) {
              std::string full = normalize_image(name);
              const auto pulled = ids_.find(full);
              known[std::move(full)] = pulled == ids_.end() ? name : pulled->second;
            }
          }
          ids_ = std::move(known);
          on_change_();
        }
        auto looking = std::exchange(looking_, {});
        if (again_) refresh();
        for (auto& done : looking) done();
      }));
}

void ImageStore::look_again(Callback<void()> done) {
  looking_next_.push_back(std::move(done));
  refresh();
}

std::optional<std::string> ImageStore::find(std::string_view image) const {
  const auto found = ids_.find(normalize_image(image));
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

void ImageStore::forget(std::string_view image) {
  const auto found = ids_.find(normalize_image(image));
  if (found != ids_.end()) ids_.erase(found);
}

void ImageStore::pull(ImagePull pull, Done<std::string> done) {
  auto [at, first] = pulls_.try_emplace(pull);
  at->second.push_back(std::move(done));
  if (!first) return;
  context_.runtime.pull_image(pull, lifetime_.guard([this, pull](Result<std::string> id) {
    on_pulled(pull, std::move(id));
  }));
}

void ImageStore::on_pulled(const ImagePull& pull, Result<std::string> id) {
  if (id.ok()) {
    const bool is_new = !find(pull.image);
    ids_[normalize_image(pull.image)] = *id;
    if (is_new) refresh();
  }
  const auto at = pulls_.find(pull);
  std::vector<Done<std::string>> waiting = std::move(at->second);
  pulls_.erase(at);
  for (Done<std::string>& done : waiting) done(id);
}

}  // namespace keelson::agent
