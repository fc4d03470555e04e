// YAML as trees, for those who do not know the kinds they carry: clients that pass objects on.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace keelson::api {

// All documents of a stream, empty ones as null. `source` names the file in errors (Code::invalid),
// which carry line and column.
keelson::Result<std::vector<boost::json::value>> yaml_documents(std::string_view yaml,
                                                                std::string_view source);

// As `kubectl get -o yaml` prints it: keys sorted, lists not indented, strings quoted only where they
// would be read as something else.
std::string yaml_text(const boost::json::value& tree);

}  // namespace keelson::api
