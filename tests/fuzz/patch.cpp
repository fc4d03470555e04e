// The first byte chooses the kind of patch, the rest is the patch. The result is always an object that
// can be written and read again.
#include "core/api/patch.hpp"

#include <cstddef>
#include <cstdint>

#include "core/api/json.hpp"
#include "core/base/assert.hpp"

using namespace keelson::api;

namespace {

const Object& target() {
  static const ObjectPtr object =
      decode_object(
          R"({"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"kel",)"
          R"("labels":{"run":"kel"},"finalizers":["a","b"],"ownerReferences":[{"uid":"u"}]},)"
          R"("spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}},)"
          R"("template":{"spec":{"containers":[{"name":"a","image":"1","ports":)"
          R"([{"containerPort":80}],"env":[{"name":"A","value":"1"}]},{"name":"b"}],)"
          R"("volumes":[{"name":"v","emptyDir":{}}]}}},"status":{"conditions":)"
          R"([{"type":"Available","status":"True"}]}})")
          ->object;
  return *object;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto type = static_cast<PatchType>(data[0] % 3);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Patched patched = apply_patch(target(), type, text);
  KEELSON_ASSERT(patched.error.ok() == (patched.message != nullptr));
  if (!patched.error.ok()) {
    KEELSON_ASSERT(!patched.error.message.empty());
    return 0;
  }
  const Object object(Kind::deployments, MessagePtr(std::move(patched.message)));
  const std::string once = encode_object(object);
  const auto again = decode_object(once, {DecodeOptions::Unknown::strict});
  KEELSON_ASSERT_WHY(again.ok(), once.c_str());
  KEELSON_ASSERT_WHY(encode_object(*again->object) == once, once.c_str());
  return 0;
}
