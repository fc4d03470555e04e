#include "core/agent/container_runtime.hpp"

namespace keelson::agent {

void ContainerRuntime::remove_image(std::string /*image*/, Done<Unit> done) {
  done(Error{Code::unavailable, "this runtime does not remove images"});
}

void ContainerRuntime::image_filesystem(Done<ImageFilesystem> done) {
  done(Error{Code::unavailable, "this runtime does not say where its images are"});
}

}  // namespace keelson::agent
