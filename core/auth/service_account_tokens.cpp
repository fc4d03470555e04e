#include "core/auth/service_account_tokens.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "core/api/json.hpp"
#include "core/api/json_text.hpp"
#include "core/api/validate/errors.hpp"
#include "core/auth/names.hpp"
#include "core/auth/node_restriction.hpp"

namespace keelson::auth {

namespace {

namespace json = boost::json;
using api::ApiError;
using api::Kind;
using api::Object;
using api::ObjectPtr;
using api::TokenRequest;

constexpr int64_t kDefaultSeconds = 3600;
constexpr int64_t kSecondsMin = 600;
constexpr int64_t kSecondsMax = int64_t{1} << 32;
// The time that nodes ask for if a pod says nothing, by which such tokens are recognized.
constexpr int64_t kProjectedSeconds = 3607;
constexpr int64_t kExtendedSeconds = 365 * 24 * 60 * 60;
// Clocks differ, and so does what they say of a moment.
constexpr int64_t kLeewaySeconds = 60;

constexpr const char* kGroup = "authentication.k8s.io";

int64_t unix_seconds(const Clock& clock) {
  return clock.wall_now().unix_ns / 1'000'000'000;
}

std::string uuid(Rng& rng) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string text;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) text += '-';
    uint64_t digit = rng.below(16);
    if (i == 12) digit = 4;
    if (i == 16) digit = 8 + digit % 4;
    text += hex[digit];
  }
  return text;
}

// --- Writing -------------------------------------------------------------------------------------

void append_text(std::string& out, const char* key, std::string_view value) {
  if (out.back() != '{') out += ',';
  out.append("\"").append(key).append("\":");
  api::append_json_string(value, out);
}

void append_number(std::string& out, const char* key, int64_t value) {
  if (out.back() != '{') out += ',';
  out.append("\"").append(key).append("\":").append(std::to_string(value));
}

void append_object(std::string& out, const char* key, const Object* object) {
  if (!object) return;
  if (out.back() != '{') out += ',';
  out.append("\"").append(key).append("\":{");
  append_text(out, "name", object->name());
  append_text(out, "uid", object->uid());
  out += '}';
}

// What the token is bound to: at most one of pod, secret and (alone) node. With a pod comes its
// node.
struct Bound {
  ObjectPtr pod, secret, node;
};

struct Claims {
  const Object& account;
  const Bound& bound;
  const google::protobuf::RepeatedPtrField<std::string>& audiences;
  std::string issuer, id;
  int64_t now = 0, expires = 0, warn_after = 0;

  // Keys in alphabetical order, as Kubernetes writes them.
  std::string text() const {
    std::string out = "{\"aud\":[";
    for (const std::string& audience : audiences) {
      if (out.back() != '[') out += ',';
      api::append_json_string(audience, out);
    }
    out += "]";
    append_number(out, "exp", expires);
    append_number(out, "iat", now);
    append_text(out, "iss", issuer);
    append_text(out, "jti", id);
    out += ",\"kubernetes.io\":{";
    append_text(out, "namespace", account.ns());
    append_object(out, "node", bound.node.get());
    append_object(out, "pod", bound.pod.get());
    append_object(out, "secret", bound.secret.get());
    append_object(out, "serviceaccount", &account);
    if (warn_after) append_number(out, "warnafter", warn_after);
    out += "}";
    append_number(out, "nbf", now);
    append_text(out, "sub", service_account_user(account.ns(), account.name()));
    return out + "}";
  }
};

ApiError check_form(const TokenRequest& request) {
  api::Errors errors;
  const api::Path path("spec");
  const int64_t seconds = request.spec().expiration_seconds();
  if (seconds < kSecondsMin) {
    errors.invalid(path.child("expirationSeconds"), seconds,
                   "may not specify a duration less than 10 minutes");
  }
  if (seconds > kSecondsMax) {
    errors.invalid(path.child("expirationSeconds"), seconds,
                   "may not specify a duration larger than 2^32 seconds");
  }
  return std::move(errors).finish("TokenRequest", kGroup, "");
}

ApiError find_bound(const apiserver::WatchCache& cache, const Object& account,
                    const TokenRequest& request, Bound& bound) {
  if (!request.spec().has_bound_object_ref()) return {};
  const auto& ref = request.spec().bound_object_ref();
  const bool core = ref.api_version() == "v1";
  ObjectPtr object;
  if (core && ref.kind() == "Pod") {
    object = bound.pod = cache.find(Kind::pods, account.ns(), ref.name());
    if (!object) return api::not_found(Kind::pods, ref.name());
    const auto& spec = object->as<api::Pod>().spec();
    if (spec.service_account_name() != account.name()) {
      return api::bad_request("cannot bind token for serviceaccount " + quoted(account.name()) +
                              " to pod running with different serviceaccount name.");
    }
    if (!spec.node_name().empty()) bound.node = cache.find(Kind::nodes, "", spec.node_name());
  } else if (core && ref.kind() == "Secret") {
    object = bound.secret = cache.find(Kind::secrets, account.ns(), ref.name());
    if (!object) return api::not_found(Kind::secrets, ref.name());
  } else if (core && ref.kind() == "Node") {
    object = bound.node = cache.find(Kind::nodes, "", ref.name());
    if (!object) return api::not_found(Kind::nodes, ref.name());
  } else {
    return api::bad_request("cannot bind token to object of type " + ref.api_version() +
                            ", Kind=" + ref.kind());
  }
  if (ref.uid().empty() || ref.uid() == object->uid()) return {};
  return api::conflict(object->kind(), ref.name(),
                       "the UID in the bound object reference (" + ref.uid() +
                           ") does not match the UID in record. The object might have been deleted "
                           "and then recreated");
}

// --- Reading -------------------------------------------------------------------------------------

std::string text_of(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  if (!value || !value->is_string()) return {};
  return std::string(value->get_string().data(), value->get_string().size());
}

std::optional<int64_t> number_of(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  if (!value) return std::nullopt;
  if (value->is_int64()) return value->get_int64();
  if (value->is_double() && value->get_double() > -9e15 && value->get_double() < 9e15) {
    return static_cast<int64_t>(value->get_double());
  }
  return std::nullopt;
}

const json::object* object_of(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_object() ? &value->get_object() : nullptr;
}

// "aud" is a list, or one text.
std::vector<std::string> audiences_of(const json::object& claims) {
  std::vector<std::string> list;
  const json::value* value = claims.if_contains("aud");
  if (!value) return list;
  if (value->is_string()) list.push_back(text_of(claims, "aud"));
  if (!value->is_array()) return list;
  for (const json::value& one : value->get_array()) {
    if (one.is_string()) list.emplace_back(one.get_string().data(), one.get_string().size());
  }
  return list;
}

// Gone, or so long on its way out that what it vouches for is over.
bool over(const ObjectPtr& object, int64_t now) {
  return !object || (object->deleting() &&
                     object->meta().deletion_timestamp().seconds() < now - kLeewaySeconds);
}

class Validation {
 public:
  Validation(const apiserver::WatchCache& cache, int64_t now, const json::object& claims)
      : cache_(cache), now_(now), claims_(claims) {}

  std::string times() const {
    const std::optional<int64_t> expires = number_of(claims_, "exp");
    if (!expires || now_ - kLeewaySeconds > *expires) return "service account token has expired";
    const int64_t begins =
        std::max(number_of(claims_, "nbf").value_or(0), number_of(claims_, "iat").value_or(0));
    if (now_ + kLeewaySeconds < begins) return "service account token is not valid yet";
    return {};
  }

  // Fills in the user; else says what is wrong.
  std::string account(UserInfo& user) const {
    const json::object* private_claims = object_of(claims_, "kubernetes.io");
    const json::object* ref =
        private_claims ? object_of(*private_claims, "serviceaccount") : nullptr;
    if (!ref) return "service account token claims could not be validated";
    const std::string ns = text_of(*private_claims, "namespace");
    const std::string name = text_of(*ref, "name");
    const std::string uid = text_of(*ref, "uid");
    if (text_of(claims_, "sub") != service_account_user(ns, name)) {
      return "service account token claims could not be validated: sub does not name the account";
    }
    const ObjectPtr account = cache_.find(Kind::service_accounts, ns, name);
    if (!account) return "serviceaccounts " + quoted(name) + " not found";
    if (over(account, now_)) return "service account " + ns + "/" + name + " has been deleted";
    if (account->uid() != uid) {
      return "service account UID (" + account->uid() + ") does not match claim (" + uid + ")";
    }
    user.name = service_account_user(ns, name);
    user.uid = uid;
    user.groups = service_account_groups(ns);
    const std::string id = text_of(claims_, "jti");
    if (!id.empty()) user.extra["authentication.kubernetes.io/credential-id"] = {"JTI=" + id};
    return bound(*private_claims, ns, user);
  }

 private:
  std::string bound(const json::object& claims, const std::string& ns, UserInfo& user) const {
    const json::object* pod = object_of(claims, "pod");
    const json::object* node = object_of(claims, "node");
    if (const json::object* secret = object_of(claims, "secret")) {
      std::string wrong = exists(*secret, Kind::secrets, ns, "secret", "secret");
      if (!wrong.empty()) return wrong;
    }
    if (pod) {
      std::string wrong = exists(*pod, Kind::pods, ns, "pod", "pod");
      if (!wrong.empty()) return wrong;
      user.extra["authentication.kubernetes.io/pod-name"] = {text_of(*pod, "name")};
      user.extra["authentication.kubernetes.io/pod-uid"] = {text_of(*pod, "uid")};
    }
    if (node) {
      // Beside a pod the node is told, not vouched for by: the pod says what must exist.
      if (!pod) {
        std::string wrong = exists(*node, Kind::nodes, "", "node", "node");
        if (!wrong.empty()) return wrong;
      }
      user.extra["authentication.kubernetes.io/node-name"] = {text_of(*node, "name")};
      user.extra["authentication.kubernetes.io/node-uid"] = {text_of(*node, "uid")};
    }
    return {};
  }

  std::string exists(const json::object& ref, Kind kind, const std::string& ns, const char* what,
                     const char* claim) const {
    const ObjectPtr object = cache_.find(kind, ns, text_of(ref, "name"));
    if (over(object, now_)) return "service account token has been invalidated";
    const std::string uid = text_of(ref, "uid");
    if (object->uid() == uid) return {};
    return std::string(what) + " UID (" + object->uid() + ") does not match service account " +
           claim + " ref claim (" + uid + ")";
  }

  const apiserver::WatchCache& cache_;
  const int64_t now_;
  const json::object& claims_;
};

}  // namespace

ServiceAccountTokens::ServiceAccountTokens(const apiserver::WatchCache& cache, const Clock& clock,
                                           Rng rng, JwtKeys keys, TokenOptions options)
    : cache_(cache),
      clock_(clock),
      rng_(rng),
      keys_(std::move(keys)),
      options_(std::move(options)) {
  if (options_.audiences.empty()) options_.audiences.push_back(options_.issuer);
  if (options_.jwks_uri.empty()) options_.jwks_uri = options_.issuer + "/openid/v1/jwks";
}

Answer<TokenRequest> ServiceAccountTokens::issue(const UserInfo& caller, const std::string& ns,
                                                 const std::string& name, TokenRequest request) {
  Answer<TokenRequest> answer;
  const auto fail = [&](ApiError error) {
    answer.error = std::move(error);
    return answer;
  };
  const api::ObjectMeta& meta = request.metadata();
  if (!meta.name().empty() && meta.name() != name) {
    return fail(api::bad_request("the name of the object (" + meta.name() +
                                 ") does not match the name on the URL (" + name + ")"));
  }
  if (!meta.namespace_().empty() && meta.namespace_() != ns) {
    return fail(api::bad_request(
        "the namespace of the provided object does not match the namespace sent on the request"));
  }
  auto& spec = *request.mutable_spec();
  if (!spec.has_expiration_seconds()) spec.set_expiration_seconds(kDefaultSeconds);
  if (ApiError error = check_form(request)) return fail(std::move(error));
  const ObjectPtr account = cache_.find(Kind::service_accounts, ns, name);
  if (!account) return fail(api::not_found(Kind::service_accounts, name));
  if (ApiError error = check_node_token(caller, cache_, ns, name, request)) {
    return fail(std::move(error));
  }
  const bool for_server =
      spec.audiences().empty() ||
      std::any_of(spec.audiences().begin(), spec.audiences().end(), [&](const std::string& one) {
        return std::find(options_.audiences.begin(), options_.audiences.end(), one) !=
               options_.audiences.end();
      });
  if (spec.audiences().empty()) {
    for (const std::string& audience : options_.audiences) spec.add_audiences(audience);
  }
  Bound bound;
  if (ApiError error = find_bound(cache_, *account, request, bound)) return fail(std::move(error));

  const int64_t now = unix_seconds(clock_);
  Claims claims{*account,
                bound,
                spec.audiences(),
                options_.issuer,
                uuid(rng_),
                now,
                now + spec.expiration_seconds(),
                0};
  const bool extend = options_.extend_expiration && bound.pod && for_server &&
                      spec.expiration_seconds() == kProjectedSeconds;
  if (extend) {
    claims.warn_after = claims.expires;
    claims.expires = now + kExtendedSeconds;
  }
  const std::string token = keys_.sign(claims.text());
  if (token.empty()) return fail(api::internal_error("failed to sign the token"));
  // The holder is told the time by which it should ask again, not the one to which it is tolerated.
  request.mutable_status()->set_token(token);
  request.mutable_status()->mutable_expiration_timestamp()->set_seconds(now +
                                                                        spec.expiration_seconds());
  request.mutable_metadata()->set_name(name);
  request.mutable_metadata()->set_namespace_(ns);
  *request.mutable_metadata()->mutable_creation_timestamp() = api::to_time(clock_.wall_now());
  answer.message = std::move(request);
  return answer;
}

ServiceAccountTokens::Verified ServiceAccountTokens::verify(
    std::string_view token, std::vector<std::string> audiences) const {
  Verified verified;
  const std::optional<std::string> payload = keys_.verify(token);
  if (!payload) return verified;
  json::error_code failed;
  const json::value value = json::parse(*payload, failed);
  if (failed || !value.is_object()) return verified;
  const json::object& claims = value.get_object();
  if (text_of(claims, "iss") != options_.issuer) return verified;
  if (audiences.empty()) audiences = options_.audiences;
  for (const std::string& audience : audiences_of(claims)) {
    if (std::find(audiences.begin(), audiences.end(), audience) != audiences.end()) {
      verified.audiences.push_back(audience);
    }
  }
  if (verified.audiences.empty()) {
    verified.error = "token audiences " + quoted_list(audiences_of(claims)) +
                     " is invalid for the target audiences " + quoted_list(audiences);
    return verified;
  }
  const Validation validation(cache_, unix_seconds(clock_), claims);
  verified.error = validation.times();
  if (!verified.error.empty()) return verified;
  UserInfo user;
  verified.error = validation.account(user);
  if (verified.error.empty()) verified.user = std::move(user);
  return verified;
}

std::string ServiceAccountTokens::openid_configuration() const {
  std::string out = "{";
  append_text(out, "issuer", options_.issuer);
  append_text(out, "jwks_uri", options_.jwks_uri);
  return out +
         ",\"response_types_supported\":[\"id_token\"],\"subject_types_supported\":[\"public\"],"
         "\"id_token_signing_alg_values_supported\":[\"RS256\"]}";
}

}  // namespace keelson::auth
