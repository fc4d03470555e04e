// Any bytes as label and field selectors. The canonical text parses to itself.
#include "core/api/selector.hpp"

#include <cstddef>
#include <cstdint>

#include "core/base/assert.hpp"

using namespace keelson::api;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Labels labels;
  labels["app"] = "web";
  labels["n"] = "7";
  if (const auto parsed = LabelSelectorMatcher::parse(text)) {
    const std::string once = parsed->to_string();
    const auto again = LabelSelectorMatcher::parse(once);
    KEELSON_ASSERT_WHY(again.ok() && again->to_string() == once, once.c_str());
    KEELSON_ASSERT(again->matches(labels) == parsed->matches(labels));
  }
  Pod pod;
  pod.mutable_spec()->set_node_name("n1");
  const ObjectPtr object = make_object(std::move(pod));
  if (const auto parsed = FieldSelector::parse(Kind::pods, text)) {
    const bool matched = parsed->matches(*object);
    if (const std::string* node = parsed->required("spec.nodeName")) {
      KEELSON_ASSERT(!matched || *node == "n1");
    }
  }
  static_cast<void>(FieldSelector::parse(Kind::events, text).ok());
  return 0;
}
