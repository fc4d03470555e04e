// Objects as JSON text, made once per object and revision and shared by whoever asks next: gets, lists
// and watches. Bounded; the least recently made go first.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <span>

#include "core/api/request.hpp"
#include "core/rest/catalog.hpp"
#include "core/rest/http.hpp"
#include "core/rest/tables/tables.hpp"

namespace keelson::rest {

// What belongs to a table besides the objects.
struct TableRequest {
  IncludeObject include = IncludeObject::metadata;
  WallTime now;  // for ages
};

// The text of Encoder::object(), made anew. On any thread.
std::string object_text(const Resource& resource, const api::Object& object);

class Encoder {
 public:
  explicit Encoder(std::size_t bytes_max = 32u << 20) : bytes_max_(bytes_max) {}

  // {"kind":...} of the object under the resource's group version, without a newline.
  Bytes object(const Resource& resource, const api::ObjectPtr& object);
  // The same if it is kept, else null.
  Bytes find(const Resource& resource, const api::ObjectPtr& object) const;
  // A line of a watch stream that many watchers get: made by `make` unless it was made just now.
  // `form` tells apart what is made of the same event.
  template <class Make>
  Bytes line(const api::WatchEvent& event, uint32_t form, Make&& make) {
    const LineKey key = key_of(event, form);
    if (const auto it = lines_.find(key); it != lines_.end()) return it->second.text;
    Bytes text = std::make_shared<const std::string>(make());
    keep_line(key, event.object, text);
    return text;
  }
  // The lines of a batch in one piece, shared by those who get one of the last batches too.
  // `make` makes the line of one event. REQUIRES: all events have an object.
  template <class Make>
  Bytes lines(std::span<const api::WatchEvent> events, uint32_t form, Make&& make) {
    if (Bytes text = find_batch(events, form)) return text;
    std::string text;
    for (const api::WatchEvent& event : events) {
      text += *line(event, form, [&] { return make(event); });
    }
    return keep_batch(events, form, std::move(text));
  }
  std::size_t bytes() const { return bytes_; }
  std::size_t bytes_max() const { return bytes_max_; }

 private:
  struct LineKey {
    const void* object;
    uint64_t revision;
    uint8_t type;
    uint32_t form;
    friend bool operator==(const LineKey&, const LineKey&) = default;
    friend std::size_t hash_value(const LineKey& key) {
      std::size_t seed = reinterpret_cast<std::size_t>(key.object) >> 4;
      seed = seed * 0x9E3779B97F4A7C15ull + key.revision;
      return seed * 0x9E3779B97F4A7C15ull + key.type * 8191u + key.form;
    }
  };
  struct Kept {
    api::ObjectPtr object;  // keeps the address from being used again
    Bytes text;
  };
  static LineKey key_of(const api::WatchEvent& event, uint32_t form) {
    return {event.object.get(), event.revision.value, static_cast<uint8_t>(event.type), form};
  }
  Bytes find_batch(std::span<const api::WatchEvent> events, uint32_t form) const;
  Bytes keep_batch(std::span<const api::WatchEvent> events, uint32_t form, std::string text);
  void keep_line(const LineKey& key, const api::ObjectPtr& object, const Bytes& text);

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  boost::unordered_flat_map<const void*, Kept> objects_;
  std::deque<const void*> order_;
  boost::unordered_flat_map<LineKey, Kept> lines_;
  std::deque<LineKey> line_order_;
  struct Batch {
    std::vector<std::pair<LineKey, api::ObjectPtr>> events;
    Bytes text;
  };
  std::array<Batch, 8> batches_;  // a ring
  std::size_t next_batch_ = 0;
};

}  // namespace keelson::rest
