#include "runtime/process/node_certificates.hpp"

#include "core/api/request.hpp"
#include "runtime/pki/files.hpp"

namespace keelson::runtime {

namespace {

constexpr Duration kAskEvery = 1s;     // while a request waits for its certificate
constexpr int kAsksMax = 900;          // then a new request: the controllers may have lost this one
constexpr Duration kRetry = 5s;
constexpr Duration kRefusedRetryMax = 10min;  // each refusal leaves an object behind, for people to see
constexpr Duration kLookAgain = 12h;   // timers do not run for months

std::string_view name_of(NodeCertificates::Which which) {
  switch (which) {
    case NodeCertificates::Which::client: return "client";
    case NodeCertificates::Which::server: return "server";
    case NodeCertificates::Which::network: return "network";
  }
  return "";
}

bool refused(const api::CertificateSigningRequest& request) {
  for (const auto& condition : request.status().conditions()) {
    if (condition.type() == "Denied" || condition.type() == "Failed") return true;
  }
  return false;
}

}  // namespace

struct NodeCertificates::Kept {
  Which which{};
  double renew_at = 0.8;  // of the lifetime
  bool told = false;
  std::string key, request;  // of the one that is asked for
  int asked = 0;
  Duration after_refusal = kRetry;
  Timer timer;
};

NodeCertificates::NodeCertificates(Loop& loop, client::ApiClient& client, Rng rng, Log& log,
                                   NodeCertificatesOptions options)
    : loop_(loop), client_(client), rng_(rng), log_(log), options_(std::move(options)) {}

NodeCertificates::~NodeCertificates() = default;

void NodeCertificates::start(std::function<void(Which, const std::string&)> on_valid) {
  on_valid_ = std::move(on_valid);
  for (const Which which : {Which::client, Which::server, Which::network}) {
    auto kept = std::make_unique<Kept>();
    kept->which = which;
    // Nodes that joined together do not renew together.
    kept->renew_at = 0.7 + 0.2 * static_cast<double>(rng_.between(0, 1000)) / 1000;
    Kept& one = *kept;
    kept->timer = Timer(loop_, [this, &one] { one.request.empty() ? check(one) : wait_for(one); });
    kept_.push_back(std::move(kept));
    one.timer.arm(Duration::zero());
  }
}

std::string NodeCertificates::file_of(Which which) const {
  return options_.directory + "/" + std::string(name_of(which)) + ".pem";
}

void NodeCertificates::later(Kept& kept, Duration after) { kept.timer.arm(after); }

void NodeCertificates::check(Kept& kept) {
  const auto pem = read_file(file_of(kept.which));
  const auto info = pem ? read_certificate(*pem)
                        : Result<CertificateInfo>(Code::not_found, "none yet");
  if (!info) return request(kept);
  const int64_t now = loop_.wall_now().unix_ns / 1'000'000'000;
  if (now < info->ends && !std::exchange(kept.told, true)) {
    on_valid_(kept.which, *pem);
  }
  const auto renew = info->begins + static_cast<int64_t>(
                                        static_cast<double>(info->ends - info->begins) * kept.renew_at);
  if (now >= renew) return request(kept);
  // Compared in seconds: the end of a certificate may be too far off for a Duration.
  later(kept, std::chrono::seconds(std::min<int64_t>(renew - now, kLookAgain / 1s)));
}

void NodeCertificates::request(Kept& kept) {
  const bool server = kept.which == Which::server;
  CertificateSubject subject{"system:node:" + options_.node, {"system:nodes"}};
  if (kept.which == Which::network) subject = {"system:kube-proxy", {}};
  auto made = make_request(subject, server ? options_.names : std::vector<std::string>());
  if (!made) {
    log_.error("cannot make a certificate request", {{"why", made.error().message}});
    return later(kept, kRetry);
  }
  api::CertificateSigningRequest object;
  object.mutable_metadata()->set_generate_name("node-csr-");
  object.mutable_spec()->set_request(made->request);
  object.mutable_spec()->set_signer_name(kept.which == Which::client
                                             ? "kubernetes.io/kube-apiserver-client-kubelet"
                                         : server ? "kubernetes.io/kubelet-serving"
                                                  : "kubernetes.io/kube-apiserver-client");
  object.mutable_spec()->add_usages("digital signature");
  object.mutable_spec()->add_usages("key encipherment");
  object.mutable_spec()->add_usages(server ? "server auth" : "client auth");
  kept.key = std::move(made->key);
  kept.asked = 0;
  client_.call(api::create(api::make_object(std::move(object))),
               [this, alive = std::weak_ptr<char>(life_), &kept](api::Response response) {
                 if (alive.expired()) return;
                 if (!response.ok()) {
                   log_.warning("cannot request a certificate",
                                {{"certificate", name_of(kept.which)},
                                 {"why", response.error.message}});
                   return later(kept, kRetry);
                 }
                 kept.request = response.object->name();
                 later(kept, kAskEvery / 10);
               });
}

void NodeCertificates::wait_for(Kept& kept) {
  client_.call(api::get(api::Kind::certificate_signing_requests, "", kept.request),
               [this, alive = std::weak_ptr<char>(life_), &kept](api::Response response) {
                 if (alive.expired()) return;
                 if (!response.ok() && response.error.reason != api::Reason::not_found) {
                   return later(kept, kRetry);
                 }
                 if (response.ok()) {
                   const auto& request = response.object->as<api::CertificateSigningRequest>();
                   if (!request.status().certificate().empty()) {
                     return issued(kept, request.status().certificate());
                   }
                   if (!refused(request) && ++kept.asked < kAsksMax) return later(kept, kAskEvery);
                 }
                 log_.warning("a certificate request was refused or forgotten",
                              {{"request", kept.request}});
                 kept.request.clear();
                 later(kept, kept.after_refusal);
                 kept.after_refusal = std::min(kept.after_refusal * 2, kRefusedRetryMax);
               });
}

void NodeCertificates::issued(Kept& kept, const std::string& certificate) {
  kept.request.clear();
  const Status written = write_private_file(file_of(kept.which), certificate + kept.key);
  if (!written) {
    log_.error("cannot keep a certificate", {{"why", written.message()}});
    return later(kept, kRetry);
  }
  log_.info("got a certificate", {{"certificate", name_of(kept.which)}});
  kept.told = false;
  kept.after_refusal = kRetry;
  check(kept);
}

}  // namespace keelson::runtime
