// Boost.JSON's text as the standard library sees it: the same bytes, nothing copied.
#pragma once

#include <boost/json/string_view.hpp>
#include <string_view>

namespace keelson::api {

inline std::string_view view(boost::json::string_view text) { return {text.data(), text.size()}; }

}  // namespace keelson::api
