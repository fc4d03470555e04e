#include "sim/lab/manifest.hpp"

#include <fmt/format.h>

#include "core/api/json_text.hpp"

namespace keelson::lab {

namespace {

// ValidateConfigMap of Kubernetes: all values together.
constexpr std::size_t kConfigMapMax = 1 << 20;

// A DNS label with room for the suffix that a pod's name gets.
std::string label_of(const std::string& name) {
  std::string out;
  for (const char c : name.substr(0, 50)) {
    const char low = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool good = (low >= 'a' && low <= 'z') || (low >= '0' && low <= '9');
    if (good)
      out += low;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? "study" : out;
}

// JSON's texts are YAML's, too, whatever is in them.
std::string in_quotes(std::string_view text) {
  std::string out;
  api::append_json_string(text, out);
  return out;
}

// A shard is one process on one CPU.
std::string advice(const ManifestOptions& options) {
  const auto shards = static_cast<std::size_t>(options.shards);
  if (options.runs == 0) return "One per free CPU is a good number.";
  const std::size_t each = (options.runs + shards - 1) / shards;
  return fmt::format(
      "These have up to {} of the {} runs each. A good number\n"
      "# of shards is that of the cluster's free CPUs, and at most that of the runs.",
      each, options.runs);
}

}  // namespace

Result<std::string> shard_manifest(const ManifestOptions& options) {
  std::size_t size = 0;
  for (const auto& [name, content] : options.files) size += content.size();
  if (size > kConfigMapMax) {
    return Error{Code::invalid,
                 "the files of the study are more than the 1 MiB that a ConfigMap holds"};
  }
  const std::string name = label_of(options.name);
  std::string out = fmt::format(
      "# {1} shards of a study, as pods of a Job.\n"
      "# The image needs keelson, and what the arguments name besides {2}.\n"
      "#\n"
      "#   kubectl apply -f {0}.yaml\n"
      "#   until kubectl get job {0} -o jsonpath='{{.status.conditions[*].type}}' |\n"
      "#       grep -Eq 'Complete|Failed'; do sleep 5; done\n"
      "#   for pod in $(kubectl get pods -l job-name={0} --field-selector=status.phase=Succeeded "
      "-o name); do\n"
      "#     kubectl logs $pod --tail=-1 > part-${{pod##*-}}.json\n"
      "#   done\n"
      "#   keelson sim merge part-*.json --report report.html --json all.json\n"
      "#\n"
      "# A part is the log of its pod. Nodes cut logs at 10 MiB (kubelet's containerLogMaxSize): "
      "where a\n"
      "# part is larger, take more shards. {3}\n"
      "apiVersion: v1\n"
      "kind: ConfigMap\n"
      "metadata:\n"
      "  name: {0}\n"
      "data:\n",
      name, options.shards, kMountedAt, advice(options));
  for (const auto& [file, content] : options.files)
    out += "  " + in_quotes(file) + ": " + in_quotes(content) + "\n";
  out += fmt::format(
      "---\n"
      "apiVersion: batch/v1\n"
      "kind: Job\n"
      "metadata:\n"
      "  name: {0}\n"
      "spec:\n"
      "  completionMode: Indexed\n"
      "  completions: {1}\n"
      "  parallelism: {1}\n"
      "  # A shard gives the same result however often it is tried.\n"
      "  backoffLimit: {1}\n"
      "  template:\n"
      "    metadata:\n"
      "      labels:\n"
      "        app: {0}\n"
      "    spec:\n"
      "      restartPolicy: Never\n"
      "      containers:\n"
      "      - name: shard\n"
      "        image: {2}\n"
      "        command: [keelson]\n"
      "        # The Job's controller sets JOB_COMPLETION_INDEX, from 0.\n"
      "        args:\n",
      name, options.shards, in_quotes(options.image));
  for (const std::string& argument : options.arguments) {
    // "$(X)" would be replaced by the environment; "$$" stands for "$".
    std::string literal;
    for (const char c : argument) literal += c == '$' ? std::string("$$") : std::string(1, c);
    out += "        - " + in_quotes(literal) + "\n";
  }
  return out + fmt::format(
                   "        - --shard\n"
                   "        - $(JOB_COMPLETION_INDEX)/{1}\n"
                   "        - --quiet\n"  // a log holds what is said on standard error, too
                   "        - --json\n"
                   "        - \"-\"\n"
                   "        resources:\n"
                   "          requests:\n"
                   "            cpu: \"1\"\n"
                   "            memory: 1Gi\n"
                   "        volumeMounts:\n"
                   "        - name: experiment\n"
                   "          mountPath: {2}\n"
                   "          readOnly: true\n"
                   "      volumes:\n"
                   "      - name: experiment\n"
                   "        configMap:\n"
                   "          name: {0}\n",
                   name, options.shards, kMountedAt);
}

}  // namespace keelson::lab
