// What the tests of tables share: objects from YAML, and their cells as text.
#pragma once

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "core/rest/tables/tables.hpp"
#include "tests/support/builders.hpp"

namespace keelson::rest {

using api::Kind;
using api::ObjectPtr;

inline constexpr int64_t second = 1'000'000'000;
inline constexpr int64_t start = 1'700'000'000;  // seconds; when the objects of these tests were created
inline constexpr WallTime later = {(start + 7) * second};

inline ObjectPtr object(const std::string& yaml) {
  auto decoded = api::decode_yaml(yaml, "test");
  EXPECT_TRUE(decoded.ok()) << decoded.error().message << "\n" << yaml;
  if (!decoded.ok() || decoded->empty()) return nullptr;
  return decoded->front().object;
}

inline std::string cells(const api::Object& object, WallTime now = later) {
  std::string out;
  append_cells(object, now, out);
  return out;
}
inline std::string cells(const std::string& yaml, WallTime now = later) {
  return cells(*object(yaml), now);
}

inline boost::json::value parsed(const std::string& text) {
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(text, error);
  EXPECT_FALSE(error) << error.message() << "\n" << text;
  return value;
}

inline std::vector<std::string> column_names(Kind kind) {
  std::vector<std::string> names;
  for (const Column& column : columns(kind)) {
    names.push_back(std::string(column.name) + (column.priority > 0 ? "*" : ""));
  }
  return names;
}

// A pod with a container "c", to which `status` adds what the case is about.
inline ObjectPtr pod(const std::string& spec, const std::string& status, const std::string& meta = {}) {
  return object("apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: default, " +
                std::string(R"(creationTimestamp: "2023-11-14T22:13:20Z")") + meta +
                "}\nspec: {containers: [{name: c, image: i}]" + spec + "}\nstatus: {" + status +
                "}\n");
}

}  // namespace keelson::rest
