#include "core/apiserver/reader.hpp"

#include "core/apiserver/pipeline/scale.hpp"
#include "core/apiserver/scope.hpp"

namespace keelson::apiserver {

namespace {

ApiError too_large(Revision asked, Revision current) {
  ApiError error = api::timeout("Timeout: Too large resource version: " + api::to_string(asked) +
                                ", current: " + api::to_string(current));
  error.causes.push_back({"ResourceVersionTooLarge", "Too large resource version", ""});
  error.retry_after_seconds = 1;
  return error;
}

// Walks the state of a kind as it was: the current objects, with what has changed since put back.
class Snapshot {
 public:
  Snapshot(const ObjectMap& now, const ObjectMap& then, const std::string& ns, const Name& after)
      : now_(now), then_(then), ns_(ns) {
    const NameRef first = after.name.empty() ? NameRef{ns, ""} : NameRef{after.ns, after.name};
    now_at_ = after.name.empty() ? now.lower_bound(first) : now.upper_bound(first);
    then_at_ = after.name.empty() ? then.lower_bound(first) : then.upper_bound(first);
  }
  // The next object, or null at the end.
  ObjectPtr next() {
    while (true) {
      const bool have_now = in_scope(now_at_, now_), have_then = in_scope(then_at_, then_);
      if (!have_now && !have_then) return nullptr;
      const bool take_then =
          have_then && (!have_now || !NameLess{}(now_at_->first, then_at_->first));
      if (!take_then) return (now_at_++)->second;
      if (have_now && !NameLess{}(then_at_->first, now_at_->first)) ++now_at_;
      if (const ObjectPtr& object = (then_at_++)->second) return object;
    }
  }

 private:
  bool in_scope(ObjectMap::const_iterator at, const ObjectMap& map) const {
    return at != map.end() && (ns_.empty() || at->first.ns == ns_);
  }
  const ObjectMap& now_;
  const ObjectMap& then_;
  const std::string& ns_;
  ObjectMap::const_iterator now_at_, then_at_;
};

Response expired_list(const ContinueToken* token) {
  if (!token) {
    return failed(api::expired("The resourceVersion for the provided list is too old."));
  }
  Response response = failed(api::expired(
      "The provided continue parameter is too old to display a consistent list result. You can "
      "start "
      "a new list without the continue parameter, or use the continue token in this response to "
      "retrieve the remainder of the results. Continuing with the provided token results in an "
      "inconsistent list - objects that were created, modified, or deleted between the time the "
      "first chunk was returned and now may show up in the list."));
  response.continue_token = ContinueToken{{}, token->after}.encode();
  return response;
}

}  // namespace

std::optional<Revision> Reader::needed(const Request& request) const {
  std::optional<Revision> revision = request.resource_version;
  if (!request.continue_token.empty()) {
    const auto token = ContinueToken::decode(request.continue_token);
    revision = token && token->at ? token->at : Revision{};  // a bad one is told when it is served
  }
  // From the wire: resourceVersions have no epoch.
  if (revision && *revision && revision->epoch == 0)
    revision->epoch = context_.cache.revision().epoch;
  return revision;
}

void Reader::read(Request request, Callback<void(Response)> done) {
  const std::optional<Revision> revision = needed(request);
  if (!revision) {
    freshness_.barrier(
        [this, request = std::move(request), done = std::move(done)](ApiError error) mutable {
          done(error ? failed(std::move(error)) : serve(request));
        });
    return;
  }
  if (*revision <= context_.cache.revision()) {
    context_.loop.post(life_.tie([this, request = std::move(request),
                                  done = std::move(done)]() mutable { done(serve(request)); }));
    return;
  }
  freshness_.at_least(
      *revision, context_.options.read_wait,
      [this, asked = *revision, request = std::move(request),
       done = std::move(done)](bool reached) mutable {
        done(reached ? serve(request) : failed(too_large(asked, context_.cache.revision())));
      });
}

Response Reader::serve(const Request& request) const {
  return request.verb == Verb::get ? get(request) : list(request);
}

Response Reader::get(const Request& request) const {
  const ObjectPtr object = context_.cache.find(request.kind, request.ns, request.name);
  if (!object) return failed(api::not_found(request.kind, request.name));
  Response response;
  response.revision = object->revision();
  if (request.subresource == Subresource::scale) {
    response.message = scale_of(*object);
  } else {
    response.object = object;
  }
  return response;
}

Response Reader::list(const Request& request) const {
  const auto labels = api::LabelSelectorMatcher::parse(request.label_selector);
  if (!labels) return failed(api::bad_request(labels.error().message));
  const auto fields = api::FieldSelector::parse(request.kind, request.field_selector);
  if (!fields) return failed(api::bad_request(fields.error().message));

  std::optional<ContinueToken> token;
  std::optional<Revision> at = request.exact_revision ? needed(request) : std::nullopt;
  if (!request.continue_token.empty()) {
    const auto decoded = ContinueToken::decode(request.continue_token);
    if (!decoded) {
      return failed(api::bad_request("invalid continue token: " + decoded.error().message));
    }
    token = *decoded;
    at = token->at ? needed(request) : std::nullopt;
  }
  Response response;
  response.revision = at && *at ? *at : context_.cache.revision();
  if (response.revision < context_.cache.floor()) return expired_list(token ? &*token : nullptr);
  if (response.revision == context_.cache.revision() && !token && request.limit <= 0) {
    list_now(request, *labels, *fields, response);
  } else {
    list_page(request, *labels, *fields, response.revision, token ? token->after : Name{},
              response);
  }
  return response;
}

void Reader::list_now(const Request& request, const api::LabelSelectorMatcher& labels,
                      const api::FieldSelector& fields, Response& response) const {
  each_candidate(context_.cache, request.kind, request.ns, fields, [&](const ObjectPtr& object) {
    if (request.ns.empty() || object->ns() == request.ns) {
      if (labels.matches(object->meta().labels()) && fields.matches(*object)) {
        response.items.push_back(object);
      }
    }
    return true;
  });
}

void Reader::list_page(const Request& request, const api::LabelSelectorMatcher& labels,
                       const api::FieldSelector& fields, Revision at, const Name& after,
                       Response& response) const {
  const ObjectMap then =
      at == context_.cache.revision() ? ObjectMap{} : context_.cache.state_before(request.kind, at);
  Snapshot snapshot(context_.cache.objects(request.kind), then, request.ns, after);
  int64_t remaining = 0;
  while (const ObjectPtr object = snapshot.next()) {
    if (!labels.matches(object->meta().labels()) || !fields.matches(*object)) continue;
    if (request.limit > 0 && static_cast<int64_t>(response.items.size()) == request.limit) {
      ++remaining;
      // How many more there are is told only where it is known without trying each.
      if (!labels.empty() || !fields.empty()) break;
      continue;
    }
    response.items.push_back(object);
  }
  if (remaining == 0) return;
  const Object& last = *response.items.back();
  response.continue_token = ContinueToken{at, {last.ns(), last.name()}}.encode();
  if (labels.empty() && fields.empty()) response.remaining = remaining;
}

}  // namespace keelson::apiserver
