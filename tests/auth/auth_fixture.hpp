// An API server with roles and access control over it.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "core/auth/access.hpp"
#include "core/auth/names.hpp"
#include "tests/apiserver/fixture.hpp"

namespace keelson::test {

// Made once: generating one takes a while.
inline const std::string& rsa_key() {
  static const std::string pem = [] {
    EVP_PKEY* key = EVP_RSA_gen(2048);
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free_all(bio);
    EVP_PKEY_free(key);
    return text;
  }();
  return pem;
}

inline auth::JwtKeys jwt_keys() {
  Result<auth::JwtKeys> keys = auth::JwtKeys::load(rsa_key());
  EXPECT_TRUE(keys.ok());
  return std::move(keys).value();
}

inline auth::UserInfo user(const std::string& name, std::vector<std::string> groups = {}) {
  auth::UserInfo user;
  user.name = name;
  user.groups = std::move(groups);
  return user;
}
inline auth::UserInfo node_user(const std::string& node) {
  return user("system:node:" + node, {"system:nodes", "system:authenticated"});
}

// "get pods/log web default", "get /healthz"; the group is part of the resource: "list
// deployments.apps".
inline auth::Attributes asking(auth::UserInfo who, const std::string& verb, std::string resource,
                               const std::string& ns = {}, const std::string& name = {}) {
  auth::Attributes attributes;
  attributes.user = std::move(who);
  attributes.verb = verb;
  if (resource.starts_with('/')) {
    attributes.path = resource;
    return attributes;
  }
  attributes.resource_request = true;
  if (const std::size_t slash = resource.find('/'); slash != std::string::npos) {
    attributes.subresource = resource.substr(slash + 1);
    resource.resize(slash);
  }
  if (const std::size_t dot = resource.find('.'); dot != std::string::npos) {
    attributes.group = resource.substr(dot + 1);
    resource.resize(dot);
  }
  attributes.resource = resource;
  attributes.version = "v1";
  attributes.ns = ns;
  attributes.name = name;
  return attributes;
}

class AuthTest : public ApiServerTest {
 protected:
  AuthTest() : ApiServerTest(options()) { access.emplace(*server, loop, Rng(1), jwt_keys()); }
  static apiserver::ApiServerOptions options() {
    apiserver::ApiServerOptions options = default_options();
    options.bootstrap_rbac = true;
    return options;
  }

  bool may(const auth::Attributes& attributes) {
    return access->authorizer().authorize(attributes).decision == auth::Decision::allow;
  }
  std::string why(const auth::Attributes& attributes) {
    return access->authorizer().authorize(attributes).reason;
  }
  Response as(const auth::UserInfo& who, Request request) {
    request.user = who.name;
    request.caller = std::make_shared<const auth::UserInfo>(who);
    return call(std::move(request));
  }
  template <class M>
  Response create_as(const auth::UserInfo& who, M message) {
    return as(who, api::create(api::make_object(std::move(message))));
  }

  static api::rbac::v1::PolicyRule rule(std::vector<std::string> verbs, const std::string& group,
                                        std::vector<std::string> resources) {
    api::rbac::v1::PolicyRule rule;
    for (auto& verb : verbs) rule.add_verbs(verb);
    rule.add_api_groups(group);
    for (auto& resource : resources) rule.add_resources(resource);
    return rule;
  }
  static api::ClusterRole cluster_role(const std::string& name, api::rbac::v1::PolicyRule rule) {
    api::ClusterRole role;
    role.mutable_metadata()->set_name(name);
    *role.add_rules() = std::move(rule);
    return role;
  }
  static api::Role role(const std::string& name, api::rbac::v1::PolicyRule rule) {
    api::Role role;
    role.mutable_metadata()->set_name(name);
    role.mutable_metadata()->set_namespace_("default");
    *role.add_rules() = std::move(rule);
    return role;
  }
  template <class Binding>
  static Binding binding(const std::string& name, const std::string& role_kind,
                         const std::string& role, const std::string& kind,
                         const std::string& subject) {
    Binding binding;
    binding.mutable_metadata()->set_name(name);
    if constexpr (std::is_same_v<Binding, api::RoleBinding>) {
      binding.mutable_metadata()->set_namespace_("default");
    }
    binding.mutable_role_ref()->set_kind(role_kind);
    binding.mutable_role_ref()->set_name(role);
    auto& one = *binding.add_subjects();
    one.set_kind(kind);
    one.set_name(subject);
    if (kind == "ServiceAccount") one.set_namespace_("default");
    return binding;
  }

  std::optional<auth::AccessControl> access;
};

}  // namespace keelson::test
