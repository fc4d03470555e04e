#include "tools/cli/cluster/targets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/api/yaml.hpp"

namespace keelson::cli {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(at, begin), text.size());
    if (end > begin) out.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

// The types that a word names: "pods,svc", "all".
Result<std::vector<Resource>> types_of(Session& session, const std::string& word) {
  std::vector<Resource> out;
  const auto known = session.discovery();
  if (!known) return known.error();
  for (const std::string& one : split(word, ',')) {
    const auto category = (*known)->category(one);
    if (!category.empty()) {
      out.insert(out.end(), category.begin(), category.end());
      continue;
    }
    auto resource = (*known)->resolve(one);
    if (!resource) return resource.error();
    out.push_back(std::move(*resource));
  }
  return out;
}

std::string scope_of(const Session& session, const Resource& resource) {
  return resource.namespaced ? session.ns : std::string();
}

Result<Selection> by_slashes(Session& session, const std::vector<std::string>& words) {
  Selection out;
  std::set<std::string> types;
  for (const std::string& word : words) {
    const auto slash = word.find('/');
    if (slash == std::string::npos) {
      return usage_error(
          "there is no need to specify a resource type as a separate argument when passing "
          "arguments in "
          "resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get "
          "resource "
          "resource/<resource_name>'");
    }
    const std::string name = word.substr(slash + 1);
    if (slash == 0 || name.empty() || name.find('/') != std::string::npos) {
      return usage_error("arguments in resource/name form may not have more than one slash");
    }
    auto resource = session.resource(word.substr(0, slash));
    if (!resource) return resource.error();
    types.insert(resource->group_resource());
    out.targets.push_back({*resource, scope_of(session, *resource), name, nullptr});
  }
  out.many_types = types.size() > 1;
  return out;
}

Status check_document(const Json& document, const std::string& source) {
  if (!document.is_object()) {
    return usage_error(fmt::format("error parsing {}: the document is no object", source));
  }
  std::string missing;
  for (const std::string_view name : {"apiVersion", "kind"}) {
    if (text_at(document, name).empty())
      missing += fmt::format("{}{} not set", missing.empty() ? "" : ", ", name);
  }
  if (missing.empty()) return {};
  return usage_error(
      fmt::format("error validating \"{}\": error validating data: [{}]", source, missing));
}

Status add_document(Session& session, const Json& document, const std::string& source,
                    std::vector<Target>& out) {
  if (document.is_null()) return {};
  if (auto ok = check_document(document, source); !ok) return ok;
  if (const Json* items = find(document, "items");
      items && items->is_array() && text_at(document, "kind").ends_with("List")) {
    for (const Json& item : items->get_array()) {
      if (auto ok = add_document(session, item, source, out); !ok) return ok;
    }
    return {};
  }
  const auto known = session.discovery();
  if (!known) return known.error();
  auto resource = (*known)->of_kind(text_at(document, "apiVersion"), text_at(document, "kind"));
  const std::string name = text_at(document, "metadata.name"),
                    own = text_at(document, "metadata.namespace");
  if (!resource) {
    return usage_error(
        fmt::format("resource mapping not found for name: \"{}\" namespace: \"{}\" from \"{}\": "
                    "{}\nensure CRDs are installed first",
                    name, own, source, resource.error().message));
  }
  Target target{*resource, "", name, document};
  if (resource->namespaced) {
    target.ns = own.empty() ? session.ns : own;
    if (!own.empty() && !session.connection_flags.name_space.empty() &&
        own != session.connection_flags.name_space) {
      return usage_error(
          fmt::format("the namespace from the provided object \"{}\" does not match the namespace "
                      "\"{}\". You must pass '--namespace={}' to perform this operation.",
                      own, session.connection_flags.name_space, own));
    }
    Json& meta = at_path(target.manifest, "metadata");
    if (meta.is_null()) meta.emplace_object();
    if (!meta.is_object())
      return usage_error(fmt::format("error parsing {}: metadata is no object", source));
    meta.get_object()["namespace"] = target.ns;
  }
  out.push_back(std::move(target));
  return {};
}

bool is_manifest(const fs::path& path) {
  const std::string extension = path.extension();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

Result<std::vector<std::string>> files_of(const std::string& given, bool recursive) {
  std::error_code problem;
  if (given == "-") return std::vector<std::string>{given};
  if (given.find("://") != std::string::npos) {
    return usage_error(fmt::format("cannot read {}: fetch it first, and give the file", given));
  }
  if (!fs::exists(given, problem))
    return usage_error(fmt::format("the path \"{}\" does not exist", given));
  if (!fs::is_directory(given, problem)) return std::vector<std::string>{given};
  std::vector<std::string> out;
  const auto take = [&](const fs::directory_entry& entry) {
    if (entry.is_regular_file(problem) && is_manifest(entry.path())) out.push_back(entry.path());
  };
  if (recursive) {
    for (const auto& entry : fs::recursive_directory_iterator(given, problem)) take(entry);
  } else {
    for (const auto& entry : fs::directory_iterator(given, problem)) take(entry);
  }
  if (out.empty()) {
    return usage_error(fmt::format(
        "error reading [{}]: recognized file extensions are [.json .yaml .yml]", given));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Result<std::vector<Target>> read_manifests(Session& session) {
  std::vector<Target> out;
  for (const std::string& list : session.flags.all("filename")) {
    for (const std::string& given : split(list, ',')) {
      auto files = files_of(given, session.flags.on("recursive"));
      if (!files) return files.error();
      for (const std::string& file : *files) {
        const auto text =
            file == "-" ? std::optional(session.io.read_input()) : real_surroundings().read(file);
        if (!text) return usage_error(fmt::format("unable to read \"{}\"", file));
        const std::string source = file == "-" ? "STDIN" : file;
        auto documents = api::yaml_documents(*text, source);
        if (!documents) return usage_error("error parsing " + documents.error().message);
        for (const Json& document : *documents) {
          if (auto ok = add_document(session, document, source, out); !ok) return ok.error();
        }
      }
    }
  }
  if (out.empty()) return usage_error("no objects passed");
  return out;
}

std::string selector_query(const Flags& flags) {
  std::string out;
  if (flags.has("selector")) out += "labelSelector=" + encode_query(flags.get("selector"));
  if (flags.has("field-selector")) {
    out +=
        (out.empty() ? "" : "&") + ("fieldSelector=" + encode_query(flags.get("field-selector")));
  }
  return out;
}

Result<Selection> select(Session& session, const std::vector<std::string>& words) {
  Selection out;
  if (session.flags.has("filename")) {
    if (!words.empty()) {
      return usage_error(
          "when paths, URLs, or stdin is provided as resource input, you may not specify "
          "resource arguments as well");
    }
    auto targets = read_manifests(session);
    if (!targets) return targets.error();
    out.targets = std::move(*targets);
    std::set<std::string> types;
    for (const Target& target : out.targets) types.insert(target.resource.group_resource());
    out.many_types = types.size() > 1;
    return out;
  }
  if (words.empty()) return usage_error("Required resource not specified.");
  if (words[0].find('/') != std::string::npos) {
    if (session.flags.has("selector")) {
      return usage_error("name cannot be provided when a selector is specified");
    }
    if (session.all_namespaces()) {
      return usage_error("a resource cannot be retrieved by name across all namespaces");
    }
    return by_slashes(session, words);
  }
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i].find('/') != std::string::npos) return by_slashes(session, words);
  }
  auto types = types_of(session, words[0]);
  if (!types) return types.error();
  out.many_types = types->size() > 1 || words[0] == "all";
  if (words.size() == 1) {
    for (const Resource& type : *types) {
      out.targets.push_back(
          {type, session.all_namespaces() ? "" : scope_of(session, type), "", nullptr});
    }
    return out;
  }
  if (session.flags.has("selector"))
    return usage_error("name cannot be provided when a selector is specified");
  if (session.all_namespaces())
    return usage_error("a resource cannot be retrieved by name across all namespaces");
  for (const Resource& type : *types) {
    for (std::size_t i = 1; i < words.size(); ++i) {
      out.targets.push_back({type, scope_of(session, type), words[i], nullptr});
    }
  }
  return out;
}

Result<std::vector<Found>> fetch(Session& session, const std::vector<std::string>& words,
                                 bool names_only) {
  auto selection = select(session, words);
  if (!selection) return selection.error();
  const bool lists_allowed = !names_only || session.flags.on("all") ||
                             session.flags.has("selector") || session.flags.has("field-selector");
  std::vector<Found> out;
  for (const Target& target : selection->targets) {
    if (target.name.empty()) {
      if (!lists_allowed)
        return usage_error("resource(s) were provided, but no name was specified");
      auto list = session.list(target.resource.path(target.ns), selector_query(session.flags));
      if (!list) {
        session.complain(list.error());
        continue;
      }
      for (const Json& item : list_at(*list, "items")) {
        Json object = item;
        object.get_object()["apiVersion"] = target.resource.group_version();
        object.get_object()["kind"] = target.resource.kind;
        const std::string ns = text_at(item, "metadata.namespace"),
                          name = text_at(item, "metadata.name");
        out.push_back({target.resource, ns, name, std::move(object)});
      }
      continue;
    }
    auto object = session.get(target.resource.path(target.ns, target.name));
    if (!object) {
      session.complain(object.error());
      continue;
    }
    out.push_back({target.resource, target.ns, target.name, std::move(*object)});
  }
  return out;
}

Result<Found> fetch_one(Session& session, const std::vector<std::string>& words) {
  auto found = fetch(session, words, true);
  if (!found) return found.error();
  // Whatever was missing has been told.
  if (found->empty()) return Error{Code::not_found, ""};
  if (found->size() > 1) return usage_error("one resource at a time is what this command takes");
  return std::move(found->front());
}

std::vector<FlagSpec> with_selection(std::vector<FlagSpec> more) {
  more.insert(more.end(), file_flags().begin(), file_flags().end());
  more.push_back({"l,selector", "SELECTOR", "only objects with these labels: a=b,c!=d,e in (f,g)"});
  more.push_back(
      {"field-selector", "SELECTOR", "only objects with these fields: status.phase=Running"});
  more.push_back({"all", "", "all objects of the type"});
  more.push_back({"A,all-namespaces", "", "in all namespaces"});
  return more;
}

std::vector<FlagSpec> with_report(std::vector<FlagSpec> more) {
  more.push_back({"o,output", "FORMAT", "json, yaml, name, jsonpath=..., custom-columns=..."});
  more.push_back({"template", "TEXT", "the template of -o jsonpath or custom-columns"});
  more.push_back({"show-managed-fields", "", "keep managedFields in JSON and YAML"});
  more.push_back(
      {"dry-run", "MODE", "none, server (ask, change nothing) or client (ask nothing)", "client"});
  more.push_back({"field-manager", "NAME", "who the server shall note as the owner of the fields"});
  return more;
}

}  // namespace keelson::cli
