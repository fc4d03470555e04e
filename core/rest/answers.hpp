// From answers of the API server to HTTP responses.
#pragma once

#include <span>

#include "core/api/error.hpp"
#include "core/api/request.hpp"
#include "core/rest/catalog.hpp"
#include "core/rest/encoder.hpp"
#include "core/rest/http.hpp"
#include "core/rest/negotiate.hpp"

namespace keelson::rest {

// How a request wants to be answered.
struct Manner {
  Accepted accepted;
  bool pretty = false;
};

// Errors that are not about an object, as the HTTP layer of Kubernetes words them.
api::ApiError no_such_resource();     // 404 the server could not find the requested resource
api::ApiError method_not_allowed();   // 405
api::ApiError not_acceptable();       // 406
api::ApiError unsupported_media();    // 415, of bodies
api::ApiError unsupported_patch();    // 415, of patches
api::ApiError unauthorized();         // 401

HttpResponse error_response(const api::ApiError& error, const Manner& manner);
HttpResponse text_response(int status, std::string text);  // text/plain
HttpResponse json_response(int status, std::string json, const Manner& manner);
// Of a message that does not say by itself what kind it is.
std::string typed_json(const Resource& resource, const api::Message& message);
// A message of ours that is no stored object (a Scale, a Status), with kind and apiVersion.
HttpResponse message_response(int status, const api::Message& message, const Manner& manner);
// {"kind":"Status",...,"status":"Success"} with details of what was deleted.
HttpResponse deleted_response(const Resource& resource, const std::string& name,
                              const std::string& uid, const Manner& manner);

// The JSON of one object in the shape that was asked for, without a newline.
std::string shown(const Resource& resource, const api::ObjectPtr& object, const Manner& manner,
                  const TableRequest& table, bool with_columns);

struct LooseRow;
struct Column;
// What is no stored object, or a list of such, as a Table or reduced to its metadata. REQUIRES: one
// row, unless it is a list.
HttpResponse loose_response(int status, std::span<const Column> columns,
                            std::span<const LooseRow> rows, bool list, const Manner& manner,
                            const TableRequest& table);

// One object or a list of them, as the client asked to see them.
HttpResponse object_response(int status, const Resource& resource, const api::ObjectPtr& object,
                             const Manner& manner, const TableRequest& table, Encoder& encoder);
HttpResponse list_response(const Resource& resource, const api::Response& list,
                           const Manner& manner, const TableRequest& table, Encoder& encoder);

}  // namespace keelson::rest
