#include "core/rest/openapi/openapi.hpp"

#include <map>
#include <utility>

#include "core/base/hash.hpp"
#include "core/rest/openapi/json_out.hpp"
#include "core/rest/openapi/operations.hpp"
#include "core/rest/openapi/write.hpp"

namespace keelson::rest {
namespace {

// What names a state of a document. Two halves, because 64 bits are few for something that clients
// keep on disk for ever.
std::string hash_of(const std::string& text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const uint64_t first = hash_bytes(text);
  std::string out;
  for (const uint64_t half : {first, hash_bytes(text, hash_u64(first))}) {
    for (int shift = 60; shift >= 0; shift -= 4) out += digits[(half >> shift) & 15];
  }
  return out;
}

struct Document {
  std::string text, hash;
};

}  // namespace

struct OpenApi::Impl {
  std::vector<ServedResource> resources;
  std::string version;
  std::string v2_json, v2_protobuf, v2_etag, v2_protobuf_etag;
  std::map<std::string, Document, std::less<>> v3;

  // The model lives only as long as something is written from it.
  openapi::Model model() const { return openapi::build_model(resources, version); }

  void build_v2(std::string& text, std::string& etag,
                std::string (*write)(const openapi::Model&)) const {
    if (!text.empty()) return;
    text = write(model());
    text.shrink_to_fit();
    etag = "\"" + hash_of(text) + "\"";
  }

  // All of them at once: the index, which every client asks for first, has the hashes of all.
  void build_v3() {
    if (!v3.empty()) return;
    const openapi::Model model = this->model();
    for (const auto& [text, path] : model.paths) {
      const auto [place, added] = v3.try_emplace(path.group_version);
      if (!added) continue;
      Document& document = place->second;
      document.text = openapi::write_v3_json(model, path.group_version);
      document.text.shrink_to_fit();
      document.hash = hash_of(document.text);
    }
  }

  const Document* find(std::string_view path) {
    build_v3();
    const auto found = v3.find(path);
    return found == v3.end() ? nullptr : &found->second;
  }
};

OpenApi::OpenApi(std::vector<ServedResource> resources, std::string version)
    : impl_(std::make_unique<Impl>()) {
  impl_->resources = std::move(resources);
  impl_->version = std::move(version);
}

OpenApi::~OpenApi() = default;

const std::string& OpenApi::v2_json() {
  impl_->build_v2(impl_->v2_json, impl_->v2_etag, openapi::write_v2_json);
  return impl_->v2_json;
}

const std::string& OpenApi::v2_protobuf() {
  impl_->build_v2(impl_->v2_protobuf, impl_->v2_protobuf_etag, openapi::write_v2_protobuf);
  return impl_->v2_protobuf;
}

const std::string& OpenApi::v2_etag() {
  v2_json();
  return impl_->v2_etag;
}

const std::string& OpenApi::v2_protobuf_etag() {
  v2_protobuf();
  return impl_->v2_protobuf_etag;
}

std::string OpenApi::v3_index() {
  impl_->build_v3();
  openapi::JsonOut out;
  out.open('{');
  out.key("paths");
  out.open('{');
  for (const auto& [path, document] : impl_->v3) {
    out.key(path);
    out.open('{');
    out.member("serverRelativeURL", "/openapi/v3/" + path + "?hash=" + document.hash);
    out.close('}');
  }
  out.close('}');
  out.close('}');
  return std::move(out.text);
}

const std::string* OpenApi::v3(std::string_view group_version_path) {
  const Document* document = impl_->find(group_version_path);
  return document == nullptr ? nullptr : &document->text;
}

std::string_view OpenApi::v3_hash(std::string_view group_version_path) {
  const Document* document = impl_->find(group_version_path);
  return document == nullptr ? std::string_view() : std::string_view(document->hash);
}

}  // namespace keelson::rest
