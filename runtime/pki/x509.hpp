// Parts of certificates and requests. For this folder's .cpp files.
#pragma once

#include "runtime/pki/certificate.hpp"
#include "runtime/pki/openssl.hpp"

namespace keelson::runtime::ssl {

// Writes a subject; false: OpenSSL refuses a value (too long, say).
bool set_subject(X509_NAME* name, const CertificateSubject& subject);
CertificateSubject subject_of(const X509_NAME* name);

// IP addresses are recognized as such, everything else is a DNS name. Null: one is neither.
Names make_names(const std::vector<std::string>& names);
// Null: the request asks for none.
Names names_of(X509_REQ* request);
std::vector<std::string> dns_names(const GENERAL_NAMES* names);
std::vector<std::string> ip_addresses(const GENERAL_NAMES* names);

Key read_private_key(std::string_view pem);
Certificate read_certificate(std::string_view pem);
// Null: it cannot be read, or is not signed by its own key.
Request read_request(std::string_view pem);

}  // namespace keelson::runtime::ssl
