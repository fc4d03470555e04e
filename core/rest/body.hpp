// Request bodies: JSON, YAML or protobuf to messages, with the errors that Kubernetes gives for what
// does not fit the path.
#pragma once

#include "core/api/error.hpp"
#include "core/api/json.hpp"
#include "core/rest/catalog.hpp"
#include "core/rest/negotiate.hpp"

namespace keelson::rest {

struct DecodedBody {
  api::ApiError error;
  api::MessagePtr message;
  api::Revision revision;  // metadata.resourceVersion of a stored kind
  std::vector<std::string> warnings;
};

// The body as the resource's kind. A missing kind or apiVersion is that of the path.
DecodedBody decode_body(const Resource& resource, Encoding encoding, std::string_view body,
                        const api::DecodeOptions& options);
// Into a message that is not looked up by its kind, as DeleteOptions; an empty body leaves it empty.
api::ApiError decode_options_body(Encoding encoding, std::string_view body, api::Message& into);

}  // namespace keelson::rest
