#include "core/api/root_ca.hpp"

namespace keelson::api {

ConfigMap root_ca_map(const std::string& ns, const std::string& certificates_pem) {
  ConfigMap map;
  map.mutable_metadata()->set_name(kRootCaName);
  map.mutable_metadata()->set_namespace_(ns);
  (*map.mutable_metadata()->mutable_annotations())["kubernetes.io/description"] =
      "The certificate by which pods recognise the API server; kept up to date by the cluster.";
  (*map.mutable_data())[kRootCaKey] = certificates_pem;
  return map;
}

}  // namespace keelson::api
