// Certificate signing requests. Whether the request itself is well signed is for the signer to find
// out: here nobody does cryptography.
// Source: Kubernetes pkg/apis/certificates/validation/validation.go.
#include <algorithm>

#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

using certificates::v1::CertificateSigningRequestCondition;
using certificates::v1::CertificateSigningRequestSpec;
using certificates::v1::CertificateSigningRequestStatus;

// A domain, a slash and a path of at most 253 + 1 + 63 characters that make sense; Kubernetes lets
// namespaced names be twice as long.
constexpr int64_t signer_name_length_max = 571;
constexpr int32_t expiration_seconds_min = 600;

void validate_signer_name(Errors& errors, const Path& path, const std::string& name) {
  if (name.empty()) return errors.required(path, "signerName must be provided");
  if (static_cast<int64_t>(name.size()) > signer_name_length_max) {
    errors.too_long(path, signer_name_length_max);
  }
  const size_t slash = name.find('/');
  if (slash == std::string::npos || name.find('/', slash + 1) != std::string::npos) {
    return errors.invalid(
        path, name,
        "must be a fully qualified domain and path of the form 'example.com/signer-name'");
  }
  const std::string_view domain = std::string_view(name).substr(0, slash);
  const std::string_view rest = std::string_view(name).substr(slash + 1);
  errors.invalid(path, domain, check_dns1123_subdomain(domain));
  if (domain.find('.') == std::string_view::npos) {
    errors.invalid(path, domain, "should be a domain with at least two segments separated by dots");
  }
  if (rest.empty()) {
    errors.required(path, "validating path segment");
  } else {
    errors.invalid(path, rest, check_dns1123_subdomain(rest));
  }
}

void validate_request(Errors& errors, const Path& path, const std::string& request) {
  if (request.find("-----BEGIN CERTIFICATE REQUEST-----") != std::string::npos ||
      request.find("-----BEGIN NEW CERTIFICATE REQUEST-----") != std::string::npos) {
    return;
  }
  std::string shown = "[]byte{";
  constexpr std::string_view hex = "0123456789abcdef";
  // Go prints all of it; the first bytes tell as much.
  const size_t count = std::min<size_t>(request.size(), 16);
  for (size_t i = 0; i < count; ++i) {
    const auto byte = static_cast<unsigned char>(request[i]);
    shown += i ? ", 0x" : "0x";
    if (byte >= 16) shown += hex[byte / 16];
    shown += hex[byte % 16];
  }
  errors.invalid_shown(path, shown + "}", "PEM block type must be CERTIFICATE REQUEST");
}

void validate_usages(Errors& errors, const Path& path, const CertificateSigningRequestSpec& spec) {
  if (spec.usages().empty()) return errors.required(path, "usages must be provided");
  const auto allowed = allowed_values(*CertificateSigningRequestSpec::descriptor(),
                                      CertificateSigningRequestSpec::kUsagesFieldNumber);
  for (int i = 0; i < spec.usages_size(); ++i) {
    if (std::find(allowed.begin(), allowed.end(), spec.usages(i)) == allowed.end()) {
      errors.not_supported(path.index(i), spec.usages(i), allowed);
    }
  }
  Seen seen;
  for (int i = 0; i < spec.usages_size(); ++i) {
    if (!seen.add(spec.usages(i))) errors.duplicate(path.index(i), spec.usages(i));
  }
}

void validate_conditions(Errors& errors, const CertificateSigningRequestStatus& status) {
  const Path path("status.conditions");
  bool approved = false;
  bool denied = false;
  Seen seen;
  for (int i = 0; i < status.conditions_size(); ++i) {
    const CertificateSigningRequestCondition& one = status.conditions(i);
    const Path place = path.index(i);
    if (one.type().empty()) errors.required(place.child("type"));
    if (!seen.add(one.type())) errors.duplicate(place.child("type"), one.type());
    const bool fixed = one.type() == "Approved" || one.type() == "Denied" || one.type() == "Failed";
    if (fixed && one.status() != "True") {
      constexpr std::string_view only[] = {"True"};
      if (one.status().empty()) {
        errors.required(place.child("status"));
      } else {
        errors.not_supported(place.child("status"), one.status(), only);
      }
    } else {
      check_one_of<CertificateSigningRequestCondition>(
          errors, place.child("status"), CertificateSigningRequestCondition::kStatusFieldNumber,
          one.status());
    }
    approved = approved || one.type() == "Approved";
    denied = denied || one.type() == "Denied";
    if ((approved && one.type() == "Denied") || (denied && one.type() == "Approved")) {
      errors.invalid(place.child("type"), one.type(),
                     "Approved and Denied conditions are mutually exclusive");
    }
  }
}

// A verdict is for good, and so is a certificate.
void validate_kept(Errors& errors, const CertificateSigningRequestStatus& now,
                   const CertificateSigningRequestStatus& before) {
  for (const char* verdict : {"Approved", "Denied", "Failed"}) {
    const auto has = [&](const CertificateSigningRequestStatus& status) {
      return std::any_of(status.conditions().begin(), status.conditions().end(),
                         [&](const auto& condition) { return condition.type() == verdict; });
    };
    if (has(before) && !has(now)) {
      errors.forbidden(
          Path("status.conditions"),
          std::string("updates may not remove a condition of type \"") + verdict + "\"");
    }
  }
  if (!before.certificate().empty() && now.certificate() != before.certificate()) {
    errors.forbidden(Path("status.certificate"),
                     "updates may not modify existing certificate content");
  }
}

}  // namespace

void validate(Errors& errors, const CertificateSigningRequest& request) {
  const CertificateSigningRequestSpec& spec = request.spec();
  const Path path("spec");
  validate_request(errors, path.child("request"), spec.request());
  validate_usages(errors, path.child("usages"), spec);
  validate_signer_name(errors, path.child("signerName"), spec.signer_name());
  if (spec.has_expiration_seconds() && spec.expiration_seconds() < expiration_seconds_min) {
    errors.invalid(path.child("expirationSeconds"), spec.expiration_seconds(),
                   "may not specify a duration less than 600 seconds (10 minutes)");
  }
}

// The spec cannot change, so there is nothing new to judge.
void validate_change(Errors&, const CertificateSigningRequest&, const CertificateSigningRequest&) {}

void validate_status_change(Errors& errors, const CertificateSigningRequest& now,
                            const CertificateSigningRequest& before) {
  validate_conditions(errors, now.status());
  validate_kept(errors, now.status(), before.status());
  const std::string& certificate = now.status().certificate();
  if (!certificate.empty() && certificate != before.status().certificate() &&
      certificate.find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
    errors.invalid(Path("status.certificate"), "<certificate data>",
                   "must contain at least one CERTIFICATE PEM block");
  }
}

}  // namespace keelson::api
