#include <algorithm>
#include <span>

#include "core/api/kinds.hpp"
#include "core/api/selector.hpp"

namespace keelson::api {
namespace {

template <class M>
struct Field {
  std::string_view name;
  std::string (*value)(const M&);
};

std::string text(bool value) { return value ? "true" : "false"; }

constexpr Field<Pod> pod_fields[] = {
    {"spec.nodeName", [](const Pod& p) { return p.spec().node_name(); }},
    {"spec.restartPolicy", [](const Pod& p) { return p.spec().restart_policy(); }},
    {"spec.schedulerName", [](const Pod& p) { return p.spec().scheduler_name(); }},
    {"spec.serviceAccountName", [](const Pod& p) { return p.spec().service_account_name(); }},
    {"spec.hostNetwork", [](const Pod& p) { return text(p.spec().host_network()); }},
    {"status.phase", [](const Pod& p) { return p.status().phase(); }},
    {"status.podIP",
     [](const Pod& p) {
       if (!p.status().pod_ip().empty() || p.status().pod_ips().empty()) return p.status().pod_ip();
       return p.status().pod_ips(0).ip();
     }},
    {"status.nominatedNodeName", [](const Pod& p) { return p.status().nominated_node_name(); }},
};

constexpr Field<Node> node_fields[] = {
    {"spec.unschedulable", [](const Node& n) { return text(n.spec().unschedulable()); }},
};

constexpr Field<Namespace> namespace_fields[] = {
    {"status.phase", [](const Namespace& n) { return n.status().phase(); }},
};

constexpr Field<Secret> secret_fields[] = {
    {"type", [](const Secret& s) { return s.type(); }},
};

constexpr Field<Service> service_fields[] = {
    {"spec.clusterIP", [](const Service& s) { return s.spec().cluster_ip(); }},
    {"spec.type", [](const Service& s) { return s.spec().type(); }},
};

constexpr Field<ReplicaSet> replica_set_fields[] = {
    {"status.replicas",
     [](const ReplicaSet& r) { return std::to_string(r.status().replicas()); }},
};

constexpr Field<Event> event_fields[] = {
    {"involvedObject.kind", [](const Event& e) { return e.involved_object().kind(); }},
    {"involvedObject.namespace", [](const Event& e) { return e.involved_object().namespace_(); }},
    {"involvedObject.name", [](const Event& e) { return e.involved_object().name(); }},
    {"involvedObject.uid", [](const Event& e) { return e.involved_object().uid(); }},
    {"involvedObject.apiVersion",
     [](const Event& e) { return e.involved_object().api_version(); }},
    {"involvedObject.resourceVersion",
     [](const Event& e) { return e.involved_object().resource_version(); }},
    {"involvedObject.fieldPath", [](const Event& e) { return e.involved_object().field_path(); }},
    {"reason", [](const Event& e) { return e.reason(); }},
    {"reportingComponent", [](const Event& e) { return e.reporting_component(); }},
    {"source",
     [](const Event& e) {
       return e.source().component().empty() ? e.reporting_component() : e.source().component();
     }},
    {"type", [](const Event& e) { return e.type(); }},
};

constexpr Field<CertificateSigningRequest> signing_request_fields[] = {
    {"spec.signerName",
     [](const CertificateSigningRequest& c) { return c.spec().signer_name(); }},
};

template <class M, std::size_t N>
bool lookup(const Field<M> (&fields)[N], std::string_view name, const Object* object,
            std::string* value) {
  for (const Field<M>& field : fields) {
    if (field.name != name) continue;
    if (object) *value = field.value(object->as<M>());
    return true;
  }
  return false;
}

// `object` null: only whether the kind has the field.
bool find_field(Kind kind, std::string_view name, const Object* object, std::string* value) {
  if (name == "metadata.name") {
    if (object) *value = object->name();
    return true;
  }
  if (name == "metadata.namespace" && info(kind).namespaced) {
    if (object) *value = object->ns();
    return true;
  }
  switch (kind) {
    case Kind::pods: return lookup(pod_fields, name, object, value);
    case Kind::nodes: return lookup(node_fields, name, object, value);
    case Kind::namespaces: return lookup(namespace_fields, name, object, value);
    case Kind::secrets: return lookup(secret_fields, name, object, value);
    case Kind::services: return lookup(service_fields, name, object, value);
    case Kind::replica_sets: return lookup(replica_set_fields, name, object, value);
    case Kind::events: return lookup(event_fields, name, object, value);
    case Kind::certificate_signing_requests:
      return lookup(signing_request_fields, name, object, value);
    default: return false;
  }
}

std::string unsupported(Kind kind, std::string_view field) {
  switch (kind) {
    case Kind::pods:
    case Kind::nodes:
    case Kind::namespaces:
    case Kind::secrets:
    case Kind::services:
    case Kind::replica_sets:
    case Kind::certificate_signing_requests:
    case Kind::events: return "field label not supported: " + std::string(field);
    default:
      return "\"" + std::string(field) +
             "\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"";
  }
}

// Splits at commas that no backslash escapes.
std::vector<std::string_view> split_terms(std::string_view text) {
  std::vector<std::string_view> terms;
  std::size_t start = 0;
  bool escaped = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (escaped) {
      escaped = false;
    } else if (text[i] == '\\') {
      escaped = true;
    } else if (text[i] == ',') {
      terms.push_back(text.substr(start, i - start));
      start = i + 1;
    }
  }
  terms.push_back(text.substr(start));
  return terms;
}

// Empty: unescaped into `out`; else what is wrong.
std::string unescape(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      const std::string_view sequence = text.substr(i, 2);
      ++i;
      if (sequence != "\\\\" && sequence != "\\," && sequence != "\\=") {
        return "invalid field selector: invalid escape sequence: " + std::string(sequence);
      }
      out += sequence[1];
    } else if (c == ',' || c == '=') {
      return "invalid field selector: unescaped character in value: " + std::string(1, c);
    } else {
      out += c;
    }
  }
  return {};
}

}  // namespace

keelson::Result<FieldSelector> FieldSelector::parse(Kind kind, std::string_view text) {
  FieldSelector out;
  for (const std::string_view part : split_terms(text)) {
    if (part.empty()) continue;
    const std::size_t at = part.find('=');
    if (at == std::string_view::npos) {
      return {Code::invalid, "invalid selector: '" + std::string(text) + "'; can't understand '" +
                                 std::string(part) + "'"};
    }
    Term term;
    term.equal = at == 0 || part[at - 1] != '!';
    term.field = std::string(part.substr(0, term.equal ? at : at - 1));
    const bool doubled = term.equal && at + 1 < part.size() && part[at + 1] == '=';
    std::string wrong = unescape(part.substr(at + (doubled ? 2 : 1)), term.value);
    if (!wrong.empty()) return {Code::invalid, std::move(wrong)};
    if (!find_field(kind, term.field, nullptr, nullptr)) {
      return {Code::invalid, unsupported(kind, term.field)};
    }
    out.terms_.push_back(std::move(term));
  }
  return out;
}

bool FieldSelector::matches(const Object& object) const {
  std::string value;
  for (const Term& term : terms_) {
    value.clear();
    find_field(object.kind(), term.field, &object, &value);
    if ((value == term.value) != term.equal) return false;
  }
  return true;
}

const std::string* FieldSelector::required(std::string_view field) const {
  for (const Term& term : terms_) {
    if (term.equal && term.field == field) return &term.value;
  }
  return nullptr;
}

bool field_value(const Object& object, std::string_view field, std::string* value) {
  return find_field(object.kind(), field, &object, value);
}

}  // namespace keelson::api
