#include "core/agent/garbage.hpp"

#include <algorithm>
#include <limits>

#include "core/agent/images.hpp"

namespace keelson::agent {

std::vector<ImageRecord> images_to_remove(std::vector<ImageRecord> images,
                                          const std::set<std::string>& in_use, Instant now,
                                          Duration min_age, uint64_t bytes_wanted) {
  std::erase_if(images, [&](const ImageRecord& image) {
    return image.names.empty() || now - image.detected < min_age ||
           std::any_of(image.names.begin(), image.names.end(), [&](const std::string& name) {
             return in_use.contains(normalize_image(name));
           });
  });
  std::sort(images.begin(), images.end(), [](const ImageRecord& a, const ImageRecord& b) {
    return std::tie(a.last_used, a.detected, a.names) < std::tie(b.last_used, b.detected, b.names);
  });
  uint64_t freed = 0;
  std::size_t count = 0;
  while (count < images.size() && freed < bytes_wanted) freed += images[count++].bytes;
  images.resize(count);
  return images;
}

ImageGarbage::ImageGarbage(Context& context, NodeStats& stats,
                           std::function<std::set<std::string>()> in_use, ImageGarbageLimits limits)
    : context_(context),
      stats_(stats),
      in_use_(std::move(in_use)),
      limits_(limits),
      timer_(context.loop, [this] { check(); }) {}

void ImageGarbage::start() {
  timer_.arm(limits_.period);
  context_.runtime.image_filesystem(lifetime_.guard([this](Result<ImageFilesystem> answer) {
    if (answer.ok()) image_path_ = answer->path;
  }));
}

std::set<std::string> ImageGarbage::normalized_in_use() const {
  std::set<std::string> out;
  for (const std::string& name : in_use_()) out.insert(normalize_image(name));
  // Every pod needs it, and no pod names it.
  if (!context_.options.sandbox_image.empty()) {
    out.insert(normalize_image(context_.options.sandbox_image));
  }
  return out;
}

void ImageGarbage::images_changed() {
  records();
}

std::vector<ImageRecord> ImageGarbage::records() {
  const Instant now = context_.loop.now();
  const std::set<std::string> in_use = normalized_in_use();
  std::map<std::string, ImageRecord> there;
  for (const api::ContainerImage& image : context_.images->images()) {
    if (image.names().empty()) continue;
    ImageRecord record{.names = {image.names().begin(), image.names().end()},
                       .bytes = static_cast<uint64_t>(std::max<int64_t>(0, image.size_bytes())),
                       .detected = now};
    if (const auto before = known_.find(record.names.front()); before != known_.end()) {
      record.detected = before->second.detected;
      record.last_used = before->second.last_used;
    }
    for (const std::string& name : record.names) {
      if (in_use.contains(normalize_image(name))) record.last_used = now;
    }
    there.emplace(record.names.front(), std::move(record));
  }
  known_ = std::move(there);
  std::vector<ImageRecord> out;
  for (const auto& [name, record] : known_) out.push_back(record);
  return out;
}

void ImageGarbage::check() {
  timer_.arm(limits_.period);
  context_.runtime.image_filesystem(lifetime_.guard([this](Result<ImageFilesystem> answer) {
    if (answer.ok()) image_path_ = answer->path;
  }));
  stats_.measure(image_path_, lifetime_.guard([this](Result<NodeMeasurement> measured) {
    if (measured.ok()) on_measured(*measured);
  }));
}

void ImageGarbage::on_measured(const NodeMeasurement& measured) {
  const FilesystemStats& fs = measured.image_fs;
  std::vector<ImageRecord> all = records();
  if (fs.capacity_bytes == 0) return;
  const uint64_t used = fs.capacity_bytes - std::min(fs.available_bytes, fs.capacity_bytes);
  const uint64_t percent = fs.capacity_bytes / 100;
  if (used < percent * limits_.high_percent) return;
  const uint64_t wanted = used - std::min(used, percent * limits_.low_percent);
  remove(images_to_remove(std::move(all), normalized_in_use(), context_.loop.now(),
                          limits_.min_age, wanted),
         [](Result<Unit>) {});
}

void ImageGarbage::reclaim(Done<Unit> done) {
  remove(images_to_remove(records(), normalized_in_use(), context_.loop.now(), limits_.min_age,
                          std::numeric_limits<uint64_t>::max()),
         std::move(done));
}

void ImageGarbage::remove(std::vector<ImageRecord> images, Done<Unit> done) {
  if (removing_ || images.empty()) {
    done(Unit{});
    return;
  }
  const ImageRecord image = std::move(images.front());
  images.erase(images.begin());
  // A pod may have come meanwhile that wants it.
  const std::set<std::string> in_use = normalized_in_use();
  for (const std::string& name : image.names) {
    if (in_use.contains(normalize_image(name))) {
      remove(std::move(images), std::move(done));
      return;
    }
  }
  // From here on it is not there for anybody: who wants it now pulls it again.
  for (const std::string& name : image.names) context_.images->forget(name);
  removing_ = true;
  context_.log.info("removing image", {{"image", image.names.front()},
                                       {"bytes", static_cast<int64_t>(image.bytes)}});
  context_.runtime.remove_image(
      image.names.front(),
      lifetime_.guard([this, images = std::move(images), name = image.names.front(),
                       done = std::move(done)](Result<Unit> removed) mutable {
        removing_ = false;
        if (!removed.ok()) {
          context_.log.warning("image not removed",
                               {{"image", name}, {"why", removed.error().message}});
        }
        context_.images->refresh();
        remove(std::move(images), std::move(done));
      }));
}

}  // namespace keelson::agent
