#include "runtime/pki/x509.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace keelson::runtime::ssl {

namespace {

bool add_entry(X509_NAME* name, int nid, const std::string& text) {
  return X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

std::string text_of(const ASN1_STRING* string) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, string);
  if (size < 0) return {};
  std::string text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return text;
}

std::vector<std::string> entries(const X509_NAME* name, int nid) {
  std::vector<std::string> out;
  for (int at = X509_NAME_get_index_by_NID(name, nid, -1); at >= 0;
       at = X509_NAME_get_index_by_NID(name, nid, at)) {
    out.push_back(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))));
  }
  return out;
}

bool is_dns_name(const std::string& name) {
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '*' || c == '_';
  });
}

GENERAL_NAME* make_name(const std::string& text) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  if (ASN1_OCTET_STRING* ip = a2i_IPADDRESS(text.c_str())) {
    GENERAL_NAME_set0_value(name, GEN_IPADD, ip);
    return name;
  }
  ERR_clear_error();
  ASN1_IA5STRING* dns = ASN1_IA5STRING_new();
  ASN1_STRING_set(dns, text.data(), static_cast<int>(text.size()));
  GENERAL_NAME_set0_value(name, GEN_DNS, dns);
  return name;
}

}  // namespace

bool set_subject(X509_NAME* name, const CertificateSubject& subject) {
  for (const std::string& organization : subject.organizations) {
    if (!add_entry(name, NID_organizationName, organization)) return false;
  }
  return add_entry(name, NID_commonName, subject.common_name);
}

CertificateSubject subject_of(const X509_NAME* name) {
  CertificateSubject subject;
  std::vector<std::string> common_names = entries(name, NID_commonName);
  if (!common_names.empty()) subject.common_name = std::move(common_names.back());
  subject.organizations = entries(name, NID_organizationName);
  return subject;
}

Names make_names(const std::vector<std::string>& names) {
  Names list(GENERAL_NAMES_new());
  for (const std::string& text : names) {
    unsigned char address[16];
    const bool ip = inet_pton(AF_INET, text.c_str(), address) == 1 ||
                    inet_pton(AF_INET6, text.c_str(), address) == 1;
    if (!ip && !is_dns_name(text)) return nullptr;
    sk_GENERAL_NAME_push(list.get(), make_name(text));
  }
  return list;
}

Names names_of(X509_REQ* request) {
  const Extensions extensions(X509_REQ_get_extensions(request));
  if (!extensions) return nullptr;
  return Names(static_cast<GENERAL_NAMES*>(
      X509V3_get_d2i(extensions.get(), NID_subject_alt_name, nullptr, nullptr)));
}

std::vector<std::string> dns_names(const GENERAL_NAMES* names) {
  std::vector<std::string> out;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS) out.push_back(text_of(name->d.dNSName));
  }
  return out;
}

std::vector<std::string> ip_addresses(const GENERAL_NAMES* names) {
  std::vector<std::string> out;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_IPADD) continue;
    const int size = ASN1_STRING_length(name->d.iPAddress);
    if (size != 4 && size != 16) continue;
    char text[INET6_ADDRSTRLEN] = {};
    inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress), text,
              sizeof text);
    out.emplace_back(text);
  }
  return out;
}

Key read_private_key(std::string_view pem) {
  const Bio bio = reader(pem);
  return Key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
}

Certificate read_certificate(std::string_view pem) {
  const Bio bio = reader(pem);
  return Certificate(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
}

Request read_request(std::string_view pem) {
  const Bio bio = reader(pem);
  Request request(PEM_read_bio_X509_REQ(bio.get(), nullptr, no_password, nullptr));
  if (!request) return nullptr;
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (!key || X509_REQ_verify(request.get(), key) != 1) return nullptr;
  return request;
}

}  // namespace keelson::runtime::ssl
