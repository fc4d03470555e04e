#include "core/api/canonical.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace keelson::api {

namespace {

// REQUIRES: ByteSizeLong() was called, which caches the sizes that this uses.
std::string bytes_of(const Message& message, std::size_t size) {
  std::string text;
  text.reserve(size);
  google::protobuf::io::StringOutputStream stream(&text);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);  // maps in key order
  message.SerializeWithCachedSizes(&out);
  out.Trim();
  return text;
}

}  // namespace

std::string canonical_bytes(const Message& message) {
  return bytes_of(message, message.ByteSizeLong());
}

bool same(const Message& a, const Message& b) {
  if (&a == &b) return true;
  // The size alone tells most differences apart.
  const std::size_t size = a.ByteSizeLong();
  return size == b.ByteSizeLong() && bytes_of(a, size) == bytes_of(b, size);
}

}  // namespace keelson::api
