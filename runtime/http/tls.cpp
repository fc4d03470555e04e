#include "runtime/http/tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstring>

namespace keelson::http {
namespace {

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioFree>;
struct X509Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using X509Ptr = std::unique_ptr<X509, X509Free>;
struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyFree>;

std::string last_error() {
  const unsigned long error = ERR_get_error();
  const char* reason = error ? ERR_reason_error_string(error) : nullptr;
  ERR_clear_error();
  return reason ? reason : "unreadable";
}

Error unusable(const std::string& what) { return {Code::invalid, what + ": " + last_error()}; }

TlsContext new_context(const SSL_METHOD* method) {
  TlsContext context(SSL_CTX_new(method), SSL_CTX_free);
  KEELSON_ASSERT(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr unsigned char kHttp[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  const int result = SSL_select_next_proto(&chosen, out_size, kHttp, sizeof kHttp - 1, offered,
                                           offered_size);
  *out = chosen;
  // A client that offers only others goes on without ALPN, and may speak HTTP/1.1 all the same.
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

// Lets the handshake go on whatever the certificate is; the verdict is kept with the connection.
int accept_any(int, X509_STORE_CTX*) { return 1; }

BioPtr memory(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Status trust(SSL_CTX* context, const std::string& pem) {
  const BioPtr bio = memory(pem);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  int count = 0;
  while (X509Ptr certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    X509_STORE_add_cert(store, certificate.get());
    ++count;
  }
  ERR_clear_error();  // the end of the text is reported as an error
  if (count == 0) return {Code::invalid, "the CA certificate is not PEM"};
  return {};
}

Status use_identity(SSL_CTX* context, const ClientTls& texts) {
  const BioPtr certificates = memory(texts.client_cert_pem);
  const X509Ptr leaf{PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)};
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return unusable("client certificate");
  }
  while (X509* issuer = PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add_extra_chain_cert(context, issuer) != 1) X509_free(issuer);
  }
  ERR_clear_error();
  const BioPtr key_text = memory(texts.client_key_pem);
  const KeyPtr key{PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr)};
  if (!key || SSL_CTX_use_PrivateKey(context, key.get()) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return unusable("client key");
  }
  return {};
}

std::string text_of(const X509_NAME_ENTRY* entry) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
  if (size < 0) return {};
  std::string text(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return text;
}

auth::UserInfo user_of(X509* certificate) {
  auth::UserInfo user;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  for (int i = 0; i < X509_NAME_entry_count(subject); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(subject, i);
    const int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
    if (nid == NID_commonName) user.name = text_of(entry);
    if (nid == NID_organizationName) user.groups.push_back(text_of(entry));
  }
  return user;
}

}  // namespace

Result<TlsContext> make_server_context(const ServerTls& files) {
  ERR_clear_error();
  TlsContext context = new_context(TLS_server_method());
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_alpn_select_cb(context.get(), select_protocol, nullptr);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.cert_file.c_str()) != 1) {
    return unusable("certificate " + files.cert_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return unusable("key " + files.key_file);
  }
  if (files.client_ca_file.empty()) return context;
  const char* ca = files.client_ca_file.c_str();
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(ca);
  if (!names || SSL_CTX_load_verify_locations(context.get(), ca, nullptr) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return unusable("client CA " + files.client_ca_file);
  }
  SSL_CTX_set_client_CA_list(context.get(), names);  // tells clients which of theirs to choose
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, accept_any);
  return context;
}

Result<TlsContext> make_client_context(const ClientTls& texts) {
  ERR_clear_error();
  TlsContext context = new_context(TLS_client_method());
  static constexpr unsigned char kHttp[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context.get(), kHttp, sizeof kHttp - 1);
  if (!texts.ca_pem.empty()) {
    if (Status status = trust(context.get(), texts.ca_pem); !status) return status.error();
  } else {
    SSL_CTX_set_default_verify_paths(context.get());
  }
  if (texts.client_cert_pem.empty() != texts.client_key_pem.empty()) {
    return Error{Code::invalid, "a client certificate needs its key, and a key its certificate"};
  }
  if (!texts.client_cert_pem.empty()) {
    if (Status status = use_identity(context.get(), texts); !status) return status.error();
  }
  SSL_CTX_set_verify(context.get(),
                     texts.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  return context;
}

SslPtr make_server_ssl(const TlsContext& context) {
  SslPtr ssl(SSL_new(context.get()));
  if (ssl) SSL_set_accept_state(ssl.get());
  return ssl;
}

SslPtr make_client_ssl(const TlsContext& context, const std::string& name) {
  SslPtr ssl(SSL_new(context.get()));
  if (!ssl) return ssl;
  SSL_set_connect_state(ssl.get());
  // An address is looked for among the certificate's addresses and is no server name to ask for.
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), name.c_str()) != 1) {
    ERR_clear_error();
    SSL_set1_host(ssl.get(), name.c_str());
    SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  }
  return ssl;
}

PeerCertificate peer_certificate(ssl_st* ssl) {
  PeerCertificate peer;
  const X509Ptr certificate(SSL_get1_peer_certificate(ssl));
  if (!certificate) return peer;
  const long verified = SSL_get_verify_result(ssl);
  if (verified != X509_V_OK) {
    peer.rejected = true;
    peer.why = X509_verify_cert_error_string(verified);
    return peer;
  }
  auth::UserInfo user = user_of(certificate.get());
  // A certificate that names nobody says nothing about who calls.
  if (!user.name.empty()) peer.user = std::move(user);
  return peer;
}

}  // namespace keelson::http
