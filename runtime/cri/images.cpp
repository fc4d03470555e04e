#include "runtime/cri/images.hpp"

namespace keelson::cri {

namespace {

// A pull takes as long as it takes; this only keeps one that hangs from being waited for forever.
constexpr Duration kPullMax = std::chrono::hours(1);

void fill(const agent::RegistryCredentials& from, wire::AuthConfig& to) {
  to.set_username(from.username);
  to.set_password(from.password);
  to.set_identity_token(from.identity_token);
  to.set_registry_token(from.registry_token);
  to.set_server_address(from.server);
}

}  // namespace

void Images::list(Done<std::vector<api::ContainerImage>> done) {
  client_.image<wire::ListImagesResponse>(
      "ListImages", wire::ListImagesRequest(), Effect::reads,
      [done = std::move(done)](Result<wire::ListImagesResponse> answer) mutable {
        if (!answer.ok()) return done(answer.error());
        std::vector<api::ContainerImage> images;
        for (const wire::Image& image : answer->images()) {
          api::ContainerImage& out = images.emplace_back();
          // Digests first, as kubelet has it. An image without a name is known by its id.
          for (const std::string& name : image.repo_digests()) out.add_names(name);
          for (const std::string& name : image.repo_tags()) out.add_names(name);
          if (out.names().empty()) out.add_names(image.id());
          out.set_size_bytes(static_cast<int64_t>(image.size()));
        }
        done(std::move(images));
      });
}

void Images::pull(agent::ImagePull pull, Done<std::string> done) {
  pull_from(0, std::make_shared<agent::ImagePull>(std::move(pull)), std::move(done));
}

void Images::pull_from(std::size_t credential, std::shared_ptr<agent::ImagePull> pull,
                       Done<std::string> done) {
  wire::PullImageRequest request;
  request.mutable_image()->set_image(pull->image);
  if (credential < pull->credentials.size()) {
    fill(pull->credentials[credential], *request.mutable_auth());
  }
  client_.image<wire::PullImageResponse>(
      "PullImage", request, Effect::changes,
      [this, credential, pull,
       done = std::move(done)](Result<wire::PullImageResponse> answer) mutable {
        if (answer.ok()) return done(answer->image_ref());
        const bool more = credential + 1 < pull->credentials.size();
        if (more && answer.code() != Code::unknown) {
          return pull_from(credential + 1, std::move(pull), std::move(done));
        }
        done(answer.error());
      },
      kPullMax);
}

void Images::remove(const std::string& image, Done<Unit> done) {
  wire::RemoveImageRequest request;
  request.mutable_image()->set_image(image);
  client_.image<wire::RemoveImageResponse>(
      "RemoveImage", request, Effect::changes,
      [done = std::move(done)](Result<wire::RemoveImageResponse> answer) mutable {
        if (answer.ok() || answer.code() == Code::not_found) return done(Unit{});
        done(answer.error());
      });
}

void Images::filesystem(Done<agent::ImageFilesystem> done) {
  client_.image<wire::ImageFsInfoResponse>(
      "ImageFsInfo", wire::ImageFsInfoRequest(), Effect::reads,
      [done = std::move(done)](Result<wire::ImageFsInfoResponse> answer) mutable {
        if (!answer.ok()) return done(answer.error());
        if (answer->image_filesystems().empty()) {
          return done(Error{Code::unavailable, "the runtime does not say where its images are"});
        }
        agent::ImageFilesystem out;
        for (const wire::FilesystemUsage& part : answer->image_filesystems()) {
          if (out.path.empty()) out.path = part.fs_id().mountpoint();
          out.used_bytes += part.used_bytes().value();
        }
        done(std::move(out));
      });
}

void Images::user(const std::string& image, Done<ImageUser> done) {
  wire::ImageStatusRequest request;
  request.mutable_image()->set_image(image);
  client_.image<wire::ImageStatusResponse>(
      "ImageStatus", request, Effect::reads,
      [image, done = std::move(done)](Result<wire::ImageStatusResponse> answer) mutable {
        if (!answer.ok()) return done(answer.error());
        if (!answer->has_image()) {
          return done(Error{Code::not_found, "image \"" + image + "\" is not on the node"});
        }
        ImageUser user{.name = answer->image().username()};
        if (answer->image().has_uid()) user.id = answer->image().uid().value();
        done(std::move(user));
      });
}

}  // namespace keelson::cri
