#include "core/rest/negotiate.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <vector>

namespace keelson::rest {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

struct Clause {
  std::string type;
  std::map<std::string, std::string> parameters;
  int quality = 1000;  // thousandths

  std::string parameter(const char* name) const {
    const auto it = parameters.find(name);
    return it == parameters.end() ? std::string() : it->second;
  }
};

int parse_quality(std::string_view text) {
  const double q = std::strtod(std::string(text).c_str(), nullptr);
  return q <= 0 ? 0 : q >= 1 ? 1000 : static_cast<int>(q * 1000);
}

std::vector<Clause> clauses_of(std::string_view accept) {
  std::vector<Clause> clauses;
  while (!accept.empty()) {
    const std::size_t end = std::min(accept.find(','), accept.size());
    std::string_view text = accept.substr(0, end);
    accept.remove_prefix(std::min(end + 1, accept.size()));
    Clause clause;
    bool first = true;
    while (!text.empty()) {
      const std::size_t semicolon = std::min(text.find(';'), text.size());
      const std::string_view part = trimmed(text.substr(0, semicolon));
      text.remove_prefix(std::min(semicolon + 1, text.size()));
      if (first) {
        clause.type = lower(part);
        first = false;
        continue;
      }
      const std::size_t equals = part.find('=');
      const std::string name = lower(trimmed(part.substr(0, equals)));
      const std::string_view value =
          equals == part.npos ? std::string_view() : trimmed(part.substr(equals + 1));
      if (name == "q") {
        clause.quality = parse_quality(value);
      } else {
        clause.parameters[name] = value;
      }
    }
    if (!clause.type.empty()) clauses.push_back(std::move(clause));
  }
  std::stable_sort(clauses.begin(), clauses.end(),
                   [](const Clause& a, const Clause& b) { return a.quality > b.quality; });
  return clauses;
}

std::optional<Encoding> encoding_of(const std::string& type) {
  if (type == "application/json" || type == "*/*" || type == "application/*") {
    return Encoding::json;
  }
  if (type == "application/yaml") return Encoding::yaml;
  if (type == "application/vnd.kubernetes.protobuf") return Encoding::protobuf;
  return std::nullopt;
}

}  // namespace

std::optional<Accepted> negotiate(std::string_view accept, bool shapes) {
  if (trimmed(accept).empty()) return Accepted{};
  std::optional<Accepted> protobuf;
  for (const Clause& clause : clauses_of(accept)) {
    const std::optional<Encoding> encoding = encoding_of(clause.type);
    if (!encoding || clause.quality == 0) continue;
    Accepted accepted;
    accepted.encoding = *encoding;
    accepted.stream = clause.parameter("stream") == "watch";
    const std::string as = clause.parameter("as");
    if (!as.empty()) {
      if (!shapes) continue;
      if (as == "Table") {
        accepted.shape = Shape::table;
      } else if (as == "PartialObjectMetadata") {
        accepted.shape = Shape::partial;
      } else if (as == "PartialObjectMetadataList") {
        accepted.shape = Shape::partial_list;
      } else {
        continue;
      }
      accepted.version = clause.parameter("v");
      if (clause.parameter("g") != "meta.k8s.io" ||
          (accepted.version != "v1" && accepted.version != "v1beta1")) {
        continue;
      }
    }
    if (accepted.encoding != Encoding::protobuf) return accepted;
    // Whoever reads protobuf nearly always reads JSON too, which we have ready.
    if (!protobuf && accepted.shape == Shape::object) protobuf = accepted;
  }
  return protobuf;
}

std::string media_type(std::string_view content_type) {
  return lower(trimmed(content_type.substr(0, content_type.find(';'))));
}

std::optional<Encoding> body_encoding(std::string_view content_type) {
  const std::string type = media_type(content_type);
  if (type.empty() || type == "application/json") return Encoding::json;
  if (type == "application/yaml") return Encoding::yaml;
  if (type == "application/vnd.kubernetes.protobuf") return Encoding::protobuf;
  return std::nullopt;
}

std::string aggregated_version(std::string_view accept) {
  for (const Clause& clause : clauses_of(accept)) {
    if (clause.type != "application/json") continue;
    if (clause.parameter("as") != "APIGroupDiscoveryList" ||
        clause.parameter("g") != "apidiscovery.k8s.io") {
      if (clause.parameters.empty()) return {};
      continue;
    }
    const std::string version = clause.parameter("v");
    if (version == "v2" || version == "v2beta1") return version;
  }
  return {};
}

bool wants_pretty(std::string_view parameter, bool given, std::string_view user_agent) {
  if (given) return parameter != "0" && parameter != "false";
  return user_agent.starts_with("curl") || user_agent.starts_with("Wget") ||
         user_agent.starts_with("Mozilla/5.0");
}

std::string pretty_json(std::string_view compact) {
  std::string out;
  out.reserve(compact.size() * 2);
  int depth = 0;
  bool in_string = false;
  const auto newline = [&] {
    out += '\n';
    out.append(static_cast<std::size_t>(depth) * 2, ' ');
  };
  for (std::size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[i];
    if (in_string) {
      out += c;
      if (c == '\\' && i + 1 < compact.size()) {
        out += compact[++i];
      } else if (c == '"') {
        in_string = false;
      }
      continue;
    }
    switch (c) {
      case '"':
        in_string = true;
        out += c;
        break;
      case '{':
      case '[': {
        const char close = c == '{' ? '}' : ']';
        out += c;
        if (i + 1 < compact.size() && compact[i + 1] == close) {
          out += close;
          ++i;
        } else {
          ++depth;
          newline();
        }
        break;
      }
      case '}':
      case ']':
        if (depth > 0) --depth;
        newline();
        out += c;
        break;
      case ',':
        out += c;
        newline();
        break;
      case ':': out += ": "; break;
      case ' ':
      case '\n':
      case '\t':
      case '\r': break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace keelson::rest
