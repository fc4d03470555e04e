// Pods and pod templates, as describe prints them.
#include <algorithm>

#include "tools/cli/cluster/describe.hpp"
#include "tools/cli/cluster/human.hpp"

namespace keelson::cli {

namespace {

std::string capital(bool value) {
  return value ? "True" : "False";
}

void state(Page& page, std::string_view title, const Json& state) {
  if (const Json* running = find(state, "running")) {
    page.line(2, "{}:\tRunning", title);
    page.line(3, "Started:\t{}", long_time(text_at(*running, "startedAt")));
    return;
  }
  const Json* ended = find(state, "terminated");
  if (!ended) {
    page.line(2, "{}:\tWaiting", title);
    if (const auto reason = text_at(state, "waiting.reason"); !reason.empty())
      page.line(3, "Reason:\t{}", reason);
    return;
  }
  page.line(2, "{}:\tTerminated", title);
  if (const auto reason = text_at(*ended, "reason"); !reason.empty())
    page.line(3, "Reason:\t{}", reason);
  if (const auto message = text_at(*ended, "message"); !message.empty())
    page.line(3, "Message:\t{}", message);
  page.line(3, "Exit Code:\t{}", number_at(*ended, "exitCode"));
  if (number_at(*ended, "signal") > 0) page.line(3, "Signal:\t{}", number_at(*ended, "signal"));
  page.line(3, "Started:\t{}", long_time(text_at(*ended, "startedAt")));
  page.line(3, "Finished:\t{}", long_time(text_at(*ended, "finishedAt")));
}

void words(Page& page, std::string_view title, const JsonArray& list) {
  if (list.empty()) return;
  page.line(2, "{}:", title);
  for (const Json& word : list) {
    const std::string text = scalar_text(word);
    for (std::size_t begin = 0; begin <= text.size();) {
      const auto end = std::min(text.find('\n', begin), text.size());
      page.line(3, "{}", text.substr(begin, end - begin));
      begin = end + 1;
    }
  }
}

void amounts(Page& page, std::string_view title, const JsonObject& amounts) {
  if (!amounts.empty()) page.line(2, "{}:", title);
  for (const auto& [name, value] : sorted_members(amounts))
    page.line(3, "{}:\t{}", name, scalar_text(*value));
}

std::string probe_text(const Json& probe) {
  const std::string attributes =
      fmt::format("delay={}s timeout={}s period={}s #success={} #failure={}",
                  number_at(probe, "initialDelaySeconds"), number_at(probe, "timeoutSeconds"),
                  number_at(probe, "periodSeconds"), number_at(probe, "successThreshold"),
                  number_at(probe, "failureThreshold"));
  if (find(probe, "exec")) {
    std::string command;
    for (const Json& word : list_at(probe, "exec.command"))
      command += (command.empty() ? "" : " ") + scalar_text(word);
    return fmt::format("exec [{}] {}", command, attributes);
  }
  if (const Json* get = find(probe, "httpGet")) {
    std::string scheme = text_at(*get, "scheme", "HTTP"), path = text_at(*get, "path", "/");
    for (char& c : scheme) c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
    if (!path.starts_with('/')) path = "/" + path;
    return fmt::format("http-get {}://{}:{}{} {}", scheme, text_at(*get, "host"),
                       text_at(*get, "port"), path, attributes);
  }
  if (const Json* tcp = find(probe, "tcpSocket")) {
    return fmt::format("tcp-socket {}:{} {}", text_at(*tcp, "host"), text_at(*tcp, "port"),
                       attributes);
  }
  if (const Json* grpc = find(probe, "grpc")) {
    return fmt::format("grpc <pod>:{} {} {}", text_at(*grpc, "port"), text_at(*grpc, "service"),
                       attributes);
  }
  return "unknown " + attributes;
}

void environment(Page& page, const Json& container) {
  const JsonArray& sources = list_at(container, "envFrom");
  if (!sources.empty()) page.line(2, "Environment Variables from:");
  for (const Json& source : sources) {
    const bool map = find(source, "configMapRef") != nullptr;
    const std::string ref = map ? "configMapRef" : "secretRef";
    const std::string prefix = text_at(source, "prefix");
    page.line(3, "{}\t{}{}\tOptional: {}", text_at(source, ref + ".name"),
              map ? "ConfigMap" : "Secret",
              prefix.empty() ? "" : fmt::format(" with prefix '{}'", prefix),
              true_at(source, ref + ".optional"));
  }
  const JsonArray& env = list_at(container, "env");
  page.line(2, "Environment:{}", env.empty() ? "\t<none>" : "");
  for (const Json& one : env) {
    const std::string name = text_at(one, "name");
    if (const Json* field = find(one, "valueFrom.fieldRef")) {
      page.line(3, "{}:\t ({}:{})", name, text_at(*field, "apiVersion", "v1"),
                text_at(*field, "fieldPath"));
    } else if (const Json* resource = find(one, "valueFrom.resourceFieldRef")) {
      page.line(3, "{}:\t{} ({})", name, text_at(*resource, "divisor", "0"),
                text_at(*resource, "resource"));
    } else if (const Json* secret = find(one, "valueFrom.secretKeyRef")) {
      page.line(3, "{}:\t<set to the key '{}' in secret '{}'>\tOptional: {}", name,
                text_at(*secret, "key"), text_at(*secret, "name"), true_at(*secret, "optional"));
    } else if (const Json* map = find(one, "valueFrom.configMapKeyRef")) {
      page.line(3, "{}:\t<set to the key '{}' of config map '{}'>\tOptional: {}", name,
                text_at(*map, "key"), text_at(*map, "name"), true_at(*map, "optional"));
    } else {
      std::string value = text_at(one, "value");
      for (std::size_t at = 0; (at = value.find('\n', at)) != std::string::npos; at += 8)
        value.replace(at, 1, "\n      \t");
      page.line(3, "{}:\t{}", name, value);
    }
  }
}

void mounts(Page& page, const JsonArray& list) {
  page.line(2, "Mounts:{}", list.empty() ? "\t<none>" : "");
  std::vector<const Json*> sorted;
  for (const Json& mount : list) sorted.push_back(&mount);
  std::sort(sorted.begin(), sorted.end(), [](const Json* a, const Json* b) {
    return text_at(*a, "mountPath") < text_at(*b, "mountPath");
  });
  for (const Json* mount : sorted) {
    std::string flags = true_at(*mount, "readOnly") ? "ro" : "rw";
    if (const auto path = text_at(*mount, "subPath"); !path.empty())
      flags += fmt::format(",path=\"{}\"", path);
    page.line(3, "{} from {} ({})", text_at(*mount, "mountPath"), text_at(*mount, "name"), flags);
  }
}

std::string ports_text(const JsonArray& ports, std::string_view number) {
  std::string out;
  for (const Json& port : ports) {
    out += fmt::format("{}{}/{}", out.empty() ? "" : ", ", number_at(port, number),
                       text_at(port, "protocol", "TCP"));
  }
  return out;
}

void ports(Page& page, const JsonArray& list) {
  for (const auto& [title, number] :
       {std::pair{"Port", "containerPort"}, std::pair{"Host Port", "hostPort"}}) {
    const std::string text = ports_text(list, number);
    page.line(2, "{}{}:\t{}", title, list.size() > 1 ? "s" : "", or_none(text));
  }
}

void container_lines(Page& page, const Json& container, const Json* status,
                     std::string_view space) {
  page.line(1, "{}{}:", space.empty() ? "" : " ", text_at(container, "name"));
  if (status) page.line(2, "Container ID:\t{}", text_at(*status, "containerID"));
  page.line(2, "Image:\t{}", text_at(container, "image"));
  if (status) page.line(2, "Image ID:\t{}", text_at(*status, "imageID"));
  ports(page, list_at(container, "ports"));
  words(page, "Command", list_at(container, "command"));
  words(page, "Args", list_at(container, "args"));
  if (status) {
    const Json* now = find(*status, "state");
    state(page, "State", now ? *now : Json());
    if (find(*status, "lastState.terminated"))
      state(page, "Last State", *find(*status, "lastState"));
    page.line(2, "Ready:\t{}", capital(true_at(*status, "ready")));
    page.line(2, "Restart Count:\t{}", number_at(*status, "restartCount"));
  }
  amounts(page, "Limits", map_at(container, "resources.limits"));
  amounts(page, "Requests", map_at(container, "resources.requests"));
  for (const auto& [title, name] :
       {std::pair{"Liveness", "livenessProbe"}, std::pair{"Readiness", "readinessProbe"},
        std::pair{"Startup", "startupProbe"}}) {
    if (const Json* probe = find(container, name))
      page.line(2, "{}:\t{}", title, probe_text(*probe));
  }
  environment(page, container);
  mounts(page, list_at(container, "volumeMounts"));
}

std::string optional_text(const Json& source) {
  const Json* value = find(source, "optional");
  return value ? scalar_text(*value) : "false";
}

void projected(Page& page, const Json& volume) {
  page.line(2, "Type:\tProjected (a volume that contains injected data from multiple sources)");
  for (const Json& source : list_at(volume, "projected.sources")) {
    if (const Json* secret = find(source, "secret")) {
      page.line(2, "SecretName:\t{}", text_at(*secret, "name"));
      page.line(2, "SecretOptionalName:\t{}", text_at(*secret, "optional", "<nil>"));
    } else if (find(source, "downwardAPI")) {
      page.line(2, "DownwardAPI:\ttrue");
    } else if (const Json* map = find(source, "configMap")) {
      page.line(2, "ConfigMapName:\t{}", text_at(*map, "name"));
      page.line(2, "Optional:\t{}", optional_text(*map));
    } else if (const Json* token = find(source, "serviceAccountToken")) {
      page.line(2, "TokenExpirationSeconds:\t{}", number_at(*token, "expirationSeconds"));
    }
  }
}

void volume_lines(Page& page, const Json& volume) {
  if (const Json* host = find(volume, "hostPath")) {
    page.line(2, "Type:\tHostPath (bare host directory volume)");
    page.line(2, "Path:\t{}", text_at(*host, "path"));
    page.line(2, "HostPathType:\t{}", text_at(*host, "type", "<none>"));
  } else if (const Json* empty = find(volume, "emptyDir")) {
    page.line(2, "Type:\tEmptyDir (a temporary directory that shares a pod's lifetime)");
    page.line(2, "Medium:\t{}", text_at(*empty, "medium"));
    page.line(2, "SizeLimit:\t{}", text_at(*empty, "sizeLimit", "<unset>"));
  } else if (const Json* secret = find(volume, "secret")) {
    page.line(2, "Type:\tSecret (a volume populated by a Secret)");
    page.line(2, "SecretName:\t{}", text_at(*secret, "secretName"));
    page.line(2, "Optional:\t{}", optional_text(*secret));
  } else if (const Json* map = find(volume, "configMap")) {
    page.line(2, "Type:\tConfigMap (a volume populated by a ConfigMap)");
    page.line(2, "Name:\t{}", text_at(*map, "name"));
    page.line(2, "Optional:\t{}", optional_text(*map));
  } else if (const Json* claim = find(volume, "persistentVolumeClaim")) {
    page.line(2,
              "Type:\tPersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same "
              "namespace)");
    page.line(2, "ClaimName:\t{}", text_at(*claim, "claimName"));
    page.line(2, "ReadOnly:\t{}", true_at(*claim, "readOnly"));
  } else if (find(volume, "projected")) {
    projected(page, volume);
  } else if (find(volume, "downwardAPI")) {
    page.line(2, "Type:\tDownwardAPI (a volume populated by information about the pod)");
    page.line(2, "Items:");
    for (const Json& item : list_at(volume, "downwardAPI.items")) {
      page.line(3, "{} -> {}",
                text_at(item, "fieldRef.fieldPath", text_at(item, "resourceFieldRef.resource")),
                text_at(item, "path"));
    }
  } else {
    page.line(2, "<unknown>");
  }
}

}  // namespace

void describe_containers(Page& page, std::string_view label, const JsonArray& containers,
                         const JsonArray& statuses, std::string_view space) {
  if (containers.empty()) return;
  page.line(0, "{}{}:", space, label);
  for (const Json& container : containers) {
    const Json* status = nullptr;
    for (const Json& one : statuses) {
      if (text_at(one, "name") == text_at(container, "name")) status = &one;
    }
    container_lines(page, container, status, space);
  }
}

void describe_volumes(Page& page, const JsonArray& volumes, std::string_view space) {
  if (volumes.empty()) return page.line(0, "{}Volumes:\t<none>", space);
  page.line(0, "{}Volumes:", space);
  for (const Json& volume : volumes) {
    page.line(1, "{}{}:", space.empty() ? "" : " ", text_at(volume, "name"));
    volume_lines(page, volume);
  }
}

void describe_tolerations(Page& page, std::string_view title, const JsonArray& tolerations) {
  std::vector<const Json*> sorted;
  for (const Json& one : tolerations) sorted.push_back(&one);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Json* a, const Json* b) {
    return text_at(*a, "key") < text_at(*b, "key");
  });
  page.raw(fmt::format("{}:\t", title));
  if (sorted.empty()) page.raw("<none>\n");
  for (const Json* one : sorted) {
    const std::string value = text_at(*one, "value"), effect = text_at(*one, "effect");
    std::string text = text_at(*one, "key");
    if (!value.empty()) text += "=" + value;
    if (!effect.empty()) text += ":" + effect;
    if (text_at(*one, "operator") == "Exists" && value.empty())
      text += text.empty() ? "op=Exists" : " op=Exists";
    if (find(*one, "tolerationSeconds"))
      text += fmt::format(" for {}s", number_at(*one, "tolerationSeconds"));
    page.raw(fmt::format("{}{}\n", one == sorted.front() ? "" : "\t", text));
  }
}

void describe_pod(Page& page, const Json& pod) {
  page.line(0, "Name:\t{}", text_at(pod, "metadata.name"));
  page.line(0, "Namespace:\t{}", text_at(pod, "metadata.namespace"));
  if (find(pod, "spec.priority")) page.line(0, "Priority:\t{}", number_at(pod, "spec.priority"));
  for (const auto& [title, path] : {std::pair{"Priority Class Name", "spec.priorityClassName"},
                                    std::pair{"Runtime Class Name", "spec.runtimeClassName"},
                                    std::pair{"Service Account", "spec.serviceAccountName"}}) {
    if (const auto text = text_at(pod, path); !text.empty()) page.line(0, "{}:\t{}", title, text);
  }
  const std::string node = text_at(pod, "spec.nodeName");
  page.line(0, "Node:\t{}", node.empty() ? "<none>" : node + "/" + text_at(pod, "status.hostIP"));
  if (find(pod, "status.startTime"))
    page.line(0, "Start Time:\t{}", long_time(text_at(pod, "status.startTime")));
  page.labels("Labels", map_at(pod, "metadata.labels"));
  page.annotations("Annotations", map_at(pod, "metadata.annotations"));
  const std::string phase = text_at(pod, "status.phase");
  if (find(pod, "metadata.deletionTimestamp") && phase != "Failed" && phase != "Succeeded") {
    page.line(0, "Status:\tTerminating (lasts {})",
              age(text_at(pod, "metadata.deletionTimestamp"), page.now()));
    page.line(0, "Termination Grace Period:\t{}s",
              number_at(pod, "metadata.deletionGracePeriodSeconds"));
  } else {
    page.line(0, "Status:\t{}", phase);
  }
  for (const auto& [title, path] :
       {std::pair{"Reason", "status.reason"}, std::pair{"Message", "status.message"}}) {
    if (const auto text = text_at(pod, path); !text.empty()) page.line(0, "{}:\t{}", title, text);
  }
  page.line(0, "IP:\t{}", text_at(pod, "status.podIP"));
  const JsonArray& ips = list_at(pod, "status.podIPs");
  page.line(0, "IPs:{}", ips.empty() ? "\t<none>" : "");
  for (const Json& ip : ips) page.line(1, "IP:\t{}", text_at(ip, "ip"));
  if (const auto by = controller_text(pod); !by.empty()) page.line(0, "Controlled By:\t{}", by);
  if (const auto name = text_at(pod, "status.nominatedNodeName"); !name.empty())
    page.line(0, "NominatedNodeName:\t{}", name);
  describe_containers(page, "Init Containers", list_at(pod, "spec.initContainers"),
                      list_at(pod, "status.initContainerStatuses"), "");
  describe_containers(page, "Containers", list_at(pod, "spec.containers"),
                      list_at(pod, "status.containerStatuses"), "");
  describe_containers(page, "Ephemeral Containers", list_at(pod, "spec.ephemeralContainers"),
                      list_at(pod, "status.ephemeralContainerStatuses"), "");
  const JsonArray& conditions = list_at(pod, "status.conditions");
  if (!conditions.empty()) page.line(0, "Conditions:\n  Type\tStatus");
  for (const Json& one : conditions)
    page.line(1, "{} \t{} ", text_at(one, "type"), text_at(one, "status"));
  describe_volumes(page, list_at(pod, "spec.volumes"), "");
  page.line(0, "QoS Class:\t{}", text_at(pod, "status.qosClass", "BestEffort"));
  page.labels("Node-Selectors", map_at(pod, "spec.nodeSelector"));
  describe_tolerations(page, "Tolerations", list_at(pod, "spec.tolerations"));
}

void describe_pod_template(Page& page, const Json& pod_template) {
  page.line(0, "Pod Template:");
  page.labels("  Labels", map_at(pod_template, "metadata.labels"));
  const JsonObject& annotations = map_at(pod_template, "metadata.annotations");
  if (!annotations.empty()) page.annotations("  Annotations", annotations);
  if (const auto account = text_at(pod_template, "spec.serviceAccountName"); !account.empty()) {
    page.line(1, "Service Account:\t{}", account);
  }
  describe_containers(page, "Init Containers", list_at(pod_template, "spec.initContainers"), {},
                      "  ");
  describe_containers(page, "Containers", list_at(pod_template, "spec.containers"), {}, "  ");
  describe_volumes(page, list_at(pod_template, "spec.volumes"), "  ");
  if (const auto name = text_at(pod_template, "spec.priorityClassName"); !name.empty()) {
    page.line(1, "Priority Class Name:\t{}", name);
  }
  page.labels("  Node-Selectors", map_at(pod_template, "spec.nodeSelector"));
  describe_tolerations(page, "  Tolerations", list_at(pod_template, "spec.tolerations"));
}

std::string describe_template(const Json& pod_template) {
  Page page{WallTime()};
  describe_pod_template(page, pod_template);
  return page.take();
}

}  // namespace keelson::cli
