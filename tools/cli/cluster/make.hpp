// Parts of objects that the verbs make: pods of an image, ports of a service, quantities from
// flags.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/cluster/session.hpp"

namespace keelson::cli {

std::vector<std::string> split_list(std::string_view text, char at = ',');

// "nginx" of "registry/x/nginx:1.7.9", fit for a container's name.
std::string container_name(std::string_view image);

// {"a":"b"} of "a=b,c=d". Error names the part that is wrong.
Result<JsonObject> parse_pairs(std::string_view text, std::string_view what);

// Environment of --env A=b (repeatable).
Result<JsonArray> parse_env(const std::vector<std::string>& pairs);

// "8080", "http" or "25%": a number where it is one.
Json int_or_string(const std::string& text);

// The pod template's spec within an object: of a Pod its own. "" for kinds without pods.
std::string pod_spec_path(const Json& object);

// Creates the object with --dry-run and -o as they apply: POST, then `x created`. What the server
// refuses is told in its words (`Error from server (...)`), or as kubectl's `create` puts most of
// it, after `error: failed to create x: `.
enum class Telling : uint8_t { plain, failed_to_create };
Status create_object(Session& session, std::string_view group, std::string_view plural, Json object,
                     Telling telling = Telling::failed_to_create);

}  // namespace keelson::cli
