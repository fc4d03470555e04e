#include "bench/scheduling/shapes.hpp"

#include <algorithm>

namespace keelson::bench {
namespace {

const std::string kZone = "topology.kubernetes.io/zone";
const std::string kHostname = "kubernetes.io/hostname";

struct Counts {
  int before, measured;
};

// The suite's counts for 500 and 5,000 nodes.
Counts of(int nodes, Counts small, Counts large) {
  if (nodes <= 500) return small;
  const int times = std::max(1, nodes / 5000);
  return {large.before * times, large.measured * times};
}

template <class Term>
void select_pods(Term& term, const std::string& color, const std::string& topology) {
  (*term.mutable_label_selector()->mutable_match_labels())["color"] = color;
  term.set_topology_key(topology);
  for (const char* ns : {"sched-1", "sched-0"}) term.add_namespaces(ns);
}

void paint(api::Pod& pod, const std::string& color) {
  (*pod.mutable_metadata()->mutable_labels())["color"] = color;
}

void add_spread(api::Pod& pod, const std::string& when) {
  paint(pod, "blue");
  auto* spread = pod.mutable_spec()->add_topology_spread_constraints();
  spread->set_max_skew(5);
  spread->set_topology_key(kZone);
  spread->set_when_unsatisfiable(when);
  (*spread->mutable_label_selector()->mutable_match_labels())["color"] = "blue";
}

void add_node_term(api::Pod& pod, bool field, const std::string& key,
                   std::initializer_list<const char*> values) {
  auto* term = pod.mutable_spec()
                   ->mutable_affinity()
                   ->mutable_node_affinity()
                   ->mutable_required_during_scheduling_ignored_during_execution()
                   ->add_node_selector_terms();
  auto* requirement = field ? term->add_match_fields() : term->add_match_expressions();
  requirement->set_key(key);
  requirement->set_operator_("In");
  for (const char* value : values) requirement->add_values(value);
}

void add_resources(api::Pod& pod, const char* cpu, bool limits = true) {
  auto* resources = pod.mutable_spec()->mutable_containers(0)->mutable_resources();
  for (auto* amounts : {resources->mutable_requests(), resources->mutable_limits()}) {
    if (amounts == resources->mutable_limits() && !limits) continue;
    (*amounts)["cpu"].set_string(cpu);
    (*amounts)["memory"].set_string("500Mi");
  }
}

void shape_pod(PodForm form, api::Pod& pod) {
  const auto affinity = [&] { return pod.mutable_spec()->mutable_affinity(); };
  switch (form) {
    case PodForm::plain: break;
    case PodForm::labelled:
      (*pod.mutable_metadata()->mutable_labels())["app"] = "scheduler-perf";
      break;
    case PodForm::affinity:
      paint(pod, "blue");
      select_pods(*affinity()
                       ->mutable_pod_affinity()
                       ->add_required_during_scheduling_ignored_during_execution(),
                  "blue", kZone);
      break;
    case PodForm::anti_affinity:
      paint(pod, "green");
      select_pods(*affinity()
                       ->mutable_pod_anti_affinity()
                       ->add_required_during_scheduling_ignored_during_execution(),
                  "green", kHostname);
      break;
    case PodForm::preferred_affinity: {
      paint(pod, "red");
      auto* term = affinity()
                       ->mutable_pod_affinity()
                       ->add_preferred_during_scheduling_ignored_during_execution();
      term->set_weight(1);
      select_pods(*term->mutable_pod_affinity_term(), "red", kHostname);
      break;
    }
    case PodForm::preferred_anti_affinity: {
      paint(pod, "yellow");
      auto* term = affinity()
                       ->mutable_pod_anti_affinity()
                       ->add_preferred_during_scheduling_ignored_during_execution();
      term->set_weight(1);
      select_pods(*term->mutable_pod_affinity_term(), "yellow", kHostname);
      break;
    }
    case PodForm::spread: add_spread(pod, "DoNotSchedule"); break;
    case PodForm::preferred_spread: add_spread(pod, "ScheduleAnyway"); break;
    case PodForm::node_affinity: add_node_term(pod, false, kZone, {"zone1", "zone2"}); break;
    case PodForm::daemon: add_node_term(pod, true, "metadata.name", {kDaemonNode.data()}); break;
    case PodForm::low_priority: break;
    case PodForm::high_priority:
    case PodForm::unschedulable: pod.mutable_spec()->set_priority(10); break;
  }
}

api::Node bare_node(std::string name) {
  api::Node node;
  // Kubelets label their nodes so; the suite's nodes have no such label.
  (*node.mutable_metadata()->mutable_labels())[kHostname] = name;
  node.mutable_metadata()->set_name(std::move(name));
  auto* ready = node.mutable_status()->add_conditions();
  ready->set_type("Ready");
  ready->set_status("True");
  return node;
}

}  // namespace

api::ObjectPtr make_node(int number, std::string_view zone) {
  api::Node node = bare_node("node-" + std::to_string(number));
  if (!zone.empty()) (*node.mutable_metadata()->mutable_labels())[kZone] = std::string(zone);
  auto& capacity = *node.mutable_status()->mutable_capacity();
  // The node of the daemons takes them all, as the suite's does.
  capacity["pods"].set_string(number == 0 && zone == "daemons" ? "90000" : "110");
  capacity["cpu"].set_string(zone == "daemons" ? "90000" : "4");
  capacity["memory"].set_string(zone == "daemons" ? "90000Gi" : "32Gi");
  return api::make_object(std::move(node));
}

api::ObjectPtr make_full_node(int number) {
  api::Node node = bare_node("node-churn-" + std::to_string(number));
  (*node.mutable_status()->mutable_capacity())["pods"].set_string("0");
  return api::make_object(std::move(node));
}

api::Pod make_pod(PodForm form, std::string_view ns, int number) {
  api::Pod pod;
  auto* meta = pod.mutable_metadata();
  meta->set_name("pod-" + std::to_string(number));
  meta->set_namespace_(std::string(ns));
  // Of the length of a real uid.
  meta->set_uid("6b0f0a5e-7f1c-4a39-9d5c-" + std::to_string(100'000'000'000 + number));
  auto* container = pod.mutable_spec()->add_containers();
  container->set_name("pause");
  container->set_image("registry.k8s.io/pause:3.10");
  container->add_ports()->set_container_port(80);
  // What the admission of an API server adds to every pod.
  for (const char* key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    auto* toleration = pod.mutable_spec()->add_tolerations();
    toleration->set_key(key);
    toleration->set_operator_("Exists");
    toleration->set_effect("NoExecute");
    toleration->set_toleration_seconds(300);
  }
  switch (form) {
    case PodForm::labelled:
    case PodForm::daemon: break;
    case PodForm::low_priority: add_resources(pod, "900m"); break;
    case PodForm::high_priority: add_resources(pod, "3000m"); break;
    case PodForm::unschedulable: add_resources(pod, "9", false); break;
    default: add_resources(pod, "100m"); break;
  }
  shape_pod(form, pod);
  return pod;
}

api::ObjectPtr make_service(std::string_view ns, int number) {
  api::Service service;
  service.mutable_metadata()->set_name("service-" + std::to_string(number));
  service.mutable_metadata()->set_namespace_(std::string(ns));
  (*service.mutable_spec()->mutable_selector())["app"] = "scheduler-perf";
  return api::make_object(std::move(service));
}

std::vector<Shape> shapes(int nodes) {
  // Kubernetes demands figures of its largest sizes alone.
  const auto demanded = [&](int pods_per_second) { return nodes == 5000 ? pods_per_second : 0; };
  const auto simple = [&](std::string_view name, std::vector<std::string_view> zones, PodForm before,
                          PodForm measured, Counts counts, int threshold) {
    Shape shape;
    shape.name = name;
    shape.nodes = nodes;
    shape.zones = std::move(zones);
    shape.before = {{before, "sched-0", counts.before}};
    shape.measured = {measured, "sched-1", counts.measured};
    shape.threshold = demanded(threshold);
    return shape;
  };
  const auto one_form = [&](std::string_view name, std::vector<std::string_view> zones,
                            PodForm form, Counts counts, int threshold) {
    return simple(name, std::move(zones), form, form, counts, threshold);
  };
  const std::vector<std::string_view> none, zone1{"zone1"}, moons{"moon-1", "moon-2", "moon-3"};
  const Counts medium = of(nodes, {500, 1000}, {5000, 5000});
  const Counts spread = of(nodes, {1000, 1000}, {5000, 5000});

  std::vector<Shape> list;
  list.push_back(one_form("SchedulingBasic", none, PodForm::plain,
                          of(nodes, {500, 1000}, {5000, 50000}), 810));
  list.push_back(one_form("SchedulingNodeAffinity", zone1, PodForm::node_affinity,
                          of(nodes, {500, 1000}, {5000, 10000}), 220));
  list.push_back(
      simple("TopologySpreading", moons, PodForm::plain, PodForm::spread, spread, 460));
  list.push_back(simple("PreferredTopologySpreading", moons, PodForm::plain,
                        PodForm::preferred_spread, spread, 340));
  list.push_back(simple("DefaultTopologySpreading", moons, PodForm::plain, PodForm::labelled,
                        of(nodes, {1000, 1000}, {5000, 50000}), 160));
  list.back().service = true;
  list.push_back(one_form("SchedulingPodAntiAffinity", none, PodForm::anti_affinity,
                          of(nodes, {100, 400}, {1000, 2000}), 60));
  list.push_back(one_form("SchedulingPodAffinity", zone1, PodForm::affinity, medium, 35));
  list.push_back(one_form("SchedulingPreferredPodAffinity", none, PodForm::preferred_affinity,
                          medium, 90));
  list.push_back(one_form("SchedulingPreferredPodAntiAffinity", none,
                          PodForm::preferred_anti_affinity, medium, 90));

  Shape mixed;
  mixed.name = "MixedSchedulingBasePod";
  mixed.nodes = nodes;
  mixed.zones = zone1;
  const Counts base = of(nodes, {200, 1000}, {2000, 5000});
  for (const PodForm form :
       {PodForm::plain, PodForm::affinity, PodForm::anti_affinity, PodForm::preferred_affinity,
        PodForm::preferred_anti_affinity}) {
    mixed.before.push_back({form, "sched-0", base.before});
  }
  mixed.measured = {PodForm::plain, "default", base.measured};
  mixed.threshold = demanded(140);
  list.push_back(std::move(mixed));

  // Kubernetes has a pod for every 200 ms; at the rate that its CI demands, that is one in 120.
  Shape unschedulable = one_form("Unschedulable", none, PodForm::plain,
                                 of(nodes, {10, 1000}, {20000, 10000}), 600);
  unschedulable.churn = Churn::unschedulable_pod;
  unschedulable.churn_every = 120;
  list.push_back(std::move(unschedulable));

  Shape churn = one_form("SchedulingWithMixedChurn", none, PodForm::plain,
                         of(nodes, {0, 1000}, {0, 10000}), 710);
  churn.churn = Churn::mixed;
  churn.churn_every = 710;
  list.push_back(std::move(churn));

  list.push_back(simple("PreemptionBasic", none, PodForm::low_priority, PodForm::high_priority,
                        of(nodes, {2000, 500}, {20000, 5000}), 0));
  Shape preempting = simple("PreemptionAsync", none, PodForm::low_priority, PodForm::plain,
                            of(nodes, {2000, 500}, {20000, 5000}), 570);
  preempting.churn = Churn::preempting_pod;
  preempting.churn_every = 114;
  list.push_back(std::move(preempting));

  list.push_back(simple("SchedulingDaemonset", {"daemons"}, PodForm::plain, PodForm::daemon,
                        of(nodes, {0, 1000}, {0, 10000}), 0));
  if (nodes == 15000) list.back().threshold = 1100;
  return list;
}

}  // namespace keelson::bench
