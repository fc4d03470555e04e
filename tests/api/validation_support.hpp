// Objects for the tests of defaults and validation, written in protobuf's text format so that these
// tests do not depend on the JSON codec.
#pragma once

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/api/validation.hpp"

namespace keelson::api {

template <class M>
M parsed(const std::string& text) {
  M message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// As the API server has it when it validates.
template <class M>
M made(const std::string& text) {
  M message = parsed<M>(text);
  apply_defaults(kind_of<M>, message);
  return message;
}

template <class M>
ApiError created(const M& message) {
  return validate_create(kind_of<M>, message);
}
template <class M>
ApiError updated(const M& now, const M& before) {
  return validate_update(kind_of<M>, now, before);
}
template <class M>
ApiError status_updated(const M& now, const M& before) {
  return validate_status_update(kind_of<M>, now, before);
}

// "field: message" of each cause.
inline std::vector<std::string> causes(const ApiError& error) {
  std::vector<std::string> result;
  for (const Cause& cause : error.causes) result.push_back(cause.field + ": " + cause.message);
  return result;
}

// A small valid object of each kind that tests then spoil.
inline Pod valid_pod() {
  return made<Pod>(R"(metadata { name: "x" namespace: "default" }
                      spec { containers { name: "c" image: "i" } })");
}
inline Deployment valid_deployment() {
  return made<Deployment>(R"(
      metadata { name: "kel" namespace: "default" }
      spec {
        selector { match_labels { key: "run" value: "kel" } }
        template {
          metadata { labels { key: "run" value: "kel" } }
          spec { containers { name: "kel" image: "nginx:1.7.9" } }
        }
      })");
}
inline Service valid_service() {
  return made<Service>(R"(metadata { name: "kel" namespace: "default" }
                          spec { selector { key: "run" value: "kel" } ports { port: 80 } })");
}

}  // namespace keelson::api
