// The inside of a Configuration (apply.hpp), for those who work on JSON trees.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "core/api/apply.hpp"

namespace keelson::api {

struct Configuration::Tree {
  boost::json::value value;
};

// What kubectl's annotation about the last applied configuration says of one that was applied on
// the server: all of it but the annotation itself, members sorted, as Go's encoder writes it.
std::string last_applied_text(const boost::json::value& config, std::string_view annotation);

}  // namespace keelson::api
