#include "core/rest/encoder.hpp"

#include <algorithm>

#include "core/api/json.hpp"
#include "core/rest/versions.hpp"

namespace keelson::rest {

namespace {
constexpr std::size_t kLinesMax = 4096;
}

std::string object_text(const Resource& resource, const api::Object& object) {
  std::string json = api::encode_object(object);
  return resource.converted() ? to_version(resource, json) : json;
}

Bytes Encoder::find(const Resource& resource, const api::ObjectPtr& object) const {
  if (resource.converted()) return nullptr;
  const auto it = objects_.find(object.get());
  return it == objects_.end() ? nullptr : it->second.text;
}

Bytes Encoder::object(const Resource& resource, const api::ObjectPtr& object) {
  if (Bytes kept = find(resource, object)) return kept;
  Bytes text = std::make_shared<const std::string>(object_text(resource, *object));
  if (resource.converted() || text->size() > bytes_max_ / 8) return text;
  bytes_ += text->size();
  objects_.emplace(object.get(), Kept{object, text});
  order_.push_back(object.get());
  while (bytes_ > bytes_max_) {
    const auto oldest = objects_.find(order_.front());
    order_.pop_front();
    bytes_ -= oldest->second.text->size();
    objects_.erase(oldest);
  }
  return text;
}

Bytes Encoder::find_batch(std::span<const api::WatchEvent> events, uint32_t form) const {
  const auto same = [form](const api::WatchEvent& event, const auto& kept) {
    return key_of(event, form) == kept.first;
  };
  for (const Batch& batch : batches_) {
    if (std::ranges::equal(events, batch.events, same)) return batch.text;
  }
  return nullptr;
}

Bytes Encoder::keep_batch(std::span<const api::WatchEvent> events, uint32_t form,
                          std::string text) {
  Batch& batch = batches_[next_batch_];
  next_batch_ = (next_batch_ + 1) % batches_.size();
  batch.events.clear();
  for (const api::WatchEvent& event : events) {
    batch.events.emplace_back(key_of(event, form), event.object);
  }
  batch.text = std::make_shared<const std::string>(std::move(text));
  return batch.text;
}

void Encoder::keep_line(const LineKey& key, const api::ObjectPtr& object, const Bytes& text) {
  lines_.emplace(key, Kept{object, text});
  line_order_.push_back(key);
  if (line_order_.size() > kLinesMax) {
    lines_.erase(line_order_.front());
    line_order_.pop_front();
  }
}

}  // namespace keelson::rest
