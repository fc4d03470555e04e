#include "core/rest/answers.hpp"

#include "core/api/json.hpp"
#include "core/api/protobuf.hpp"
#include "core/rest/tables/loose.hpp"
#include "core/rest/tables/tables.hpp"
#include "core/rest/versions.hpp"

namespace keelson::rest {

namespace {

api::ApiError generic(api::Reason reason, std::string message) {
  api::ApiError error;
  error.reason = reason;
  error.message = std::move(message);
  error.generic = true;
  return error;
}

std::string finished(std::string json, const Manner& manner) {
  if (manner.accepted.encoding == Encoding::yaml) return api::json_to_yaml(json);
  if (manner.pretty) return pretty_json(json);
  json += '\n';
  return json;
}

std::vector<Header> content_type(const Manner& manner) {
  return {{"Content-Type", manner.accepted.encoding == Encoding::yaml ? "application/yaml"
                                                                       : "application/json"}};
}

// The list's metadata.
std::string list_meta(const api::Response& list) {
  api::ListMeta meta;
  if (list.revision) meta.set_resource_version(api::to_string(list.revision));
  meta.set_continue_(list.continue_token);
  if (list.remaining) meta.set_remaining_item_count(*list.remaining);
  return api::encode_message(meta);
}

// Where the members begin that follow kind and apiVersion: items of lists go without those.
std::size_t after_type(const Resource& resource) {
  return std::string_view("{\"kind\":\"\",\"apiVersion\":\"\",").size() +
         resource.info->name.size() + resource.info->api_version.size();
}

}  // namespace

api::ApiError no_such_resource() {
  return generic(api::Reason::not_found, "the server could not find the requested resource");
}
api::ApiError method_not_allowed() {
  return generic(api::Reason::method_not_allowed,
                 "the server does not allow this method on the requested resource");
}
api::ApiError not_acceptable() {
  return generic(api::Reason::not_acceptable,
                 "only the following media types are accepted: application/json, "
                 "application/yaml, application/vnd.kubernetes.protobuf");
}
api::ApiError unsupported_media() {
  api::ApiError error =
      generic(api::Reason::unsupported_media_type,
              "the body of the request was in an unknown format - accepted media types include: "
              "application/json, application/yaml, application/vnd.kubernetes.protobuf");
  error.generic = false;
  return error;
}
api::ApiError unsupported_patch() {
  return generic(api::Reason::unsupported_media_type,
                 "the body of the request was in an unknown format - accepted media types include: "
                 "application/json-patch+json, application/merge-patch+json, "
                 "application/strategic-merge-patch+json, application/apply-patch+yaml");
}
api::ApiError unauthorized() {
  api::ApiError error;
  error.reason = api::Reason::unauthorized;
  error.message = "Unauthorized";
  return error;
}

HttpResponse json_response(int status, std::string json, const Manner& manner) {
  return {status, content_type(manner), finished(std::move(json), manner)};
}

HttpResponse text_response(int status, std::string text) {
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(text)};
}

HttpResponse message_response(int status, const api::Message& message, const Manner& manner) {
  return json_response(status, api::encode_message(message), manner);
}

HttpResponse error_response(const api::ApiError& error, const Manner& manner) {
  api::meta::v1::Status status = api::to_status_message(error);
  if (error.reason == api::Reason::unknown_outcome) {
    // The caller has to look: what a gateway says whose server did not answer.
    status.set_reason("Timeout");
    status.set_code(504);
  }
  HttpResponse response = message_response(status.code(), status, manner);
  if (error.retry_after_seconds > 0) {
    response.headers.push_back({"Retry-After", std::to_string(error.retry_after_seconds)});
  }
  return response;
}

HttpResponse deleted_response(const Resource& resource, const std::string& name,
                              const std::string& uid, const Manner& manner) {
  api::meta::v1::Status status;
  status.mutable_metadata();
  status.set_status("Success");
  api::StatusDetails& details = *status.mutable_details();
  details.set_name(name);
  details.set_group(resource.group);
  details.set_kind(resource.name);
  details.set_uid(uid);
  return message_response(200, status, manner);
}

namespace {

std::string version_of(const Manner& manner) {
  return manner.accepted.version.empty() ? "v1" : manner.accepted.version;
}

TableOptions table_options(const Resource& resource, const Manner& manner,
                           const TableRequest& table, bool with_columns) {
  TableOptions options;
  options.include = table.include;
  options.version = manner.accepted.version == "v1beta1" ? "v1beta1" : "v1";
  options.with_columns = with_columns;
  if (resource.converted()) {
    options.append_object = [&resource](const api::Object& object, std::string& out) {
      out += to_version(resource, api::encode_object(object));
    };
  }
  return options;
}

}  // namespace

std::string typed_json(const Resource& resource, const api::Message& message) {
  std::string json = api::encode_message(message);
  if (json.starts_with("{\"kind\":")) return json;
  std::string out = "{\"kind\":\"" + resource.kind + "\",\"apiVersion\":\"" +
                    (resource.kind_group.empty() ? resource.kind_version
                                                 : resource.kind_group + "/" + resource.kind_version) +
                    "\"";
  if (json.size() > 2) out += ',';
  return out + json.substr(1);
}

std::string shown(const Resource& resource, const api::ObjectPtr& object, const Manner& manner,
                  const TableRequest& table, bool with_columns) {
  switch (manner.accepted.shape) {
    case Shape::table:
      return encode_table(object->kind(), {&object, 1}, {}, table.now,
                          table_options(resource, manner, table, with_columns));
    case Shape::partial:
    case Shape::partial_list: return encode_partial_metadata(*object, version_of(manner));
    case Shape::object: break;
  }
  return object_text(resource, *object);
}

// For those who read nothing else; everybody else gets JSON, which is there already.
HttpResponse protobuf_response(int status, std::string body) {
  return {status,
          {{"Content-Type", std::string(api::protobuf_content_type)}},
          std::move(body)};
}

std::string shown_version(const Resource& resource) {
  return resource.converted() ? resource.group_version() : std::string();
}

api::ProtobufConversion conversion(const Resource& resource) {
  if (!resource.converted()) return {};
  return [&resource](std::string raw) { return to_version_protobuf(resource, std::move(raw)); };
}

HttpResponse object_response(int status, const Resource& resource, const api::ObjectPtr& object,
                             const Manner& manner, const TableRequest& table, Encoder& encoder) {
  if (manner.accepted.encoding == Encoding::protobuf) {
    return protobuf_response(status, api::encode_object_protobuf(*object, shown_version(resource),
                                                                 conversion(resource)));
  }
  if (manner.accepted.shape != Shape::object) {
    return {status, content_type(manner), std::function<std::string()>([=, &resource] {
              return finished(shown(resource, object, manner, table, true), manner);
            })};
  }
  Bytes json = encoder.object(resource, object);
  return {status, content_type(manner),
          std::function<std::string()>([json, manner] { return finished(*json, manner); })};
}

HttpResponse loose_response(int status, std::span<const Column> columns,
                            std::span<const LooseRow> rows, bool list, const Manner& manner,
                            const TableRequest& table) {
  KEELSON_ASSERT(list || rows.size() == 1);
  TableOptions options;
  options.include = table.include;
  options.version = manner.accepted.version == "v1beta1" ? "v1beta1" : "v1";
  std::string json;
  if (manner.accepted.shape == Shape::table) {
    json = encode_loose_table(columns, rows, {}, options);
  } else {
    json = list ? encode_loose_metadata_list(rows, {}, options.version)
                : encode_loose_metadata(rows.front(), options.version);
  }
  return json_response(status, std::move(json), manner);
}

namespace {

// What a list may add to what is kept: its texts are made on the core thread, for which everybody
// waits, and push others out. The rest of a large list is made where the list is put together. Lists
// that are asked for again and again are kept as a whole before long, if they fit.
constexpr std::size_t kMadeForListShare = 8;
constexpr std::size_t kObjectBytes = 2048;  // or so
// A list of so many takes about a millisecond to put together.
constexpr std::size_t kLaboriousItems = 200;

struct ListItem {
  Bytes text;
  api::ObjectPtr object;  // if there is no text
};

}  // namespace

HttpResponse list_response(const Resource& resource, const api::Response& list,
                           const Manner& manner, const TableRequest& table, Encoder& encoder) {
  if (manner.accepted.encoding == Encoding::protobuf) {
    api::ListMeta meta;
    if (list.revision) meta.set_resource_version(api::to_string(list.revision));
    meta.set_continue_(list.continue_token);
    if (list.remaining) meta.set_remaining_item_count(*list.remaining);
    return protobuf_response(
        200, api::encode_list_protobuf(resource.info->kind, list.items, meta,
                                       shown_version(resource), conversion(resource)));
  }
  const bool laborious = list.items.size() > kLaboriousItems;
  if (manner.accepted.shape != Shape::object) {
    std::vector<Bytes> texts;
    for (const api::ObjectPtr& object : list.items) {
      texts.push_back(encoder.find(resource, object));
    }
    return {200, content_type(manner),
            std::function<std::string()>(
                [&resource, manner, table, items = list.items, texts = std::move(texts),
                 revision = api::to_string(list.revision), next = list.continue_token,
                 remaining = list.remaining] {
                  const ListHeader header{revision, next, remaining};
                  TableOptions options = table_options(resource, manner, table, true);
                  options.texts = texts;
                  return finished(
                      manner.accepted.shape == Shape::table
                          ? encode_table(resource.info->kind, items, header, table.now, options)
                          : encode_partial_metadata_list(items, header, version_of(manner)),
                      manner);
                }),
            laborious};
  }
  std::vector<ListItem> items;
  items.reserve(list.items.size());
  std::size_t size = 256, made = 0;
  for (const api::ObjectPtr& object : list.items) {
    ListItem item{encoder.find(resource, object), nullptr};
    if (!item.text && made < encoder.bytes_max() / kMadeForListShare) {
      item.text = encoder.object(resource, object);
      made += item.text->size();
    }
    if (!item.text) item.object = object;
    size += item.text ? item.text->size() : kObjectBytes;
    items.push_back(std::move(item));
  }
  const bool whole = resource.converted();
  const std::size_t skip = whole ? 0 : after_type(resource);
  std::string head = "{\"kind\":\"" + resource.kind + "List\",\"apiVersion\":\"" +
                     resource.group_version() + "\",\"metadata\":" + list_meta(list) +
                     ",\"items\":[";
  return {200, content_type(manner),
          std::function<std::string()>([&resource, items = std::move(items),
                                        head = std::move(head), size, skip, manner] {
            std::string out;
            out.reserve(size);
            out += head;
            bool first = true;
            for (const ListItem& item : items) {
              if (!first) out += ',';
              first = false;
              if (skip > 0) out += '{';
              if (item.text) {
                out.append(*item.text, skip);
              } else {
                out.append(object_text(resource, *item.object), skip);
              }
            }
            out += "]}";
            return finished(std::move(out), manner);
          }),
          laborious};
}

}  // namespace keelson::rest
