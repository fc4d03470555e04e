// What a plain YAML scalar means: YAML 1.1 as the Kubernetes tools read it.
#pragma once

#include <boost/json/value.hpp>
#include <string_view>

namespace keelson::api {

// A string unless it spells something else. Source: resolve.go of go-yaml v2, by way of
// sigs.k8s.io/yaml: "yes" and "on" are booleans, 0644 is octal, times stay strings.
boost::json::value resolve_yaml_scalar(std::string_view text);

}  // namespace keelson::api
