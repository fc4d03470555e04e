#include "core/api/taints.hpp"

#include <algorithm>

namespace keelson::api {

bool tolerates(const Toleration& toleration, const Taint& taint) {
  if (!toleration.effect().empty() && toleration.effect() != taint.effect()) return false;
  if (!toleration.key().empty() && toleration.key() != taint.key()) return false;
  if (toleration.operator_() == "Exists") return true;
  if (toleration.operator_().empty() || toleration.operator_() == "Equal") {
    return toleration.value() == taint.value();
  }
  return false;
}

bool tolerates(const PodSpec& spec, const Taint& taint) {
  return std::any_of(
      spec.tolerations().begin(), spec.tolerations().end(),
      [&](const Toleration& toleration) { return tolerates(toleration, taint); });
}

}  // namespace keelson::api
