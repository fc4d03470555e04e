#!/usr/bin/python3
"""What programs do with python3-kubernetes, against the cluster that KUBECONFIG names. Ends with 0 if
all of it holds, else with a traceback and 1."""

import json
import threading
import time

from kubernetes import client, config, dynamic, watch
from kubernetes.client.rest import ApiException
from kubernetes.stream import portforward, stream

NAMESPACE = "python-client"

config.load_kube_config()
core = client.CoreV1Api()
apps = client.AppsV1Api()

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "nginx:1.25"}]},
        },
    },
}


def config_map(name, labels=None, **data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels=labels), data=data)


def eventually(what, holds):
    deadline = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < deadline, f"not within 15 s: {what}"
        time.sleep(0.1)


def status_of(call, *args, **kwargs):
    """The HTTP status that a call fails with; 0 if it does not."""
    try:
        call(*args, **kwargs)
        return 0
    except ApiException as error:
        return error.status


def create_and_replace():
    made = core.create_namespaced_config_map(NAMESPACE, config_map("a", x="1"))
    assert made.metadata.uid
    assert status_of(core.create_namespaced_config_map, NAMESPACE, config_map("a")) == 409
    made.data["x"] = "2"
    assert core.replace_namespaced_config_map("a", NAMESPACE, made).data == {"x": "2"}
    assert status_of(core.replace_namespaced_config_map, "a", NAMESPACE, made) == 409
    assert status_of(core.read_namespaced_config_map, "nothere", NAMESPACE) == 404


def list_in_pages():
    for name in ("p1", "p2", "p3"):
        core.create_namespaced_config_map(NAMESPACE, config_map(name, labels={"page": "yes"}))
    names, token = [], None
    while True:
        page = core.list_namespaced_config_map(
            NAMESPACE, label_selector="page=yes", limit=2, _continue=token)
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue
        if not token:
            break
    assert names == ["p1", "p2", "p3"], names


def patch():
    # This client sends a list as a JSON patch, anything else as a strategic merge patch.
    got = core.patch_namespaced_config_map(
        "a", NAMESPACE, [{"op": "add", "path": "/data/json", "value": "y"}])
    assert got.data == {"x": "2", "json": "y"}, got.data
    got = core.patch_namespaced_config_map("a", NAMESPACE, {"data": {"json": None, "z": "3"}})
    assert got.data == {"x": "2", "z": "3"}, got.data


def deploy():
    apps.create_namespaced_deployment(NAMESPACE, DEPLOYMENT)
    eventually("the deployment is available", lambda: (
        apps.read_namespaced_deployment("web", NAMESPACE).status.available_replicas == 2))
    apps.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 1}})
    eventually("one pod is left", lambda: len(pods()) == 1)


def apply():
    configs = dynamic.DynamicClient(client.ApiClient()).resources.get(
        api_version="v1", kind="ConfigMap")

    def server_side(manager, force, **data):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": data}
        # As text: this version of the client encodes no object for this content type.
        return configs.server_side_apply(
            name="applied", namespace=NAMESPACE, body=json.dumps(body), field_manager=manager,
            force_conflicts=force)

    assert server_side("one", False, a="1").data.a == "1"
    assert status_of(server_side, "two", False, a="2") == 409
    got = server_side("two", True, a="2")
    assert got.data.a == "2" and got.metadata.managedFields[0].manager == "two", got


def watch_changes():
    version = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version

    def change():
        core.create_namespaced_config_map(NAMESPACE, config_map("w"))
        core.patch_namespaced_config_map("w", NAMESPACE, {"data": {"a": "b"}})
        core.delete_namespaced_config_map("w", NAMESPACE)

    thread = threading.Thread(target=change)
    thread.start()
    seen, watcher = [], watch.Watch()
    for event in watcher.stream(core.list_namespaced_config_map, NAMESPACE,
                                resource_version=version, timeout_seconds=15):
        seen.append((event["type"], event["object"].metadata.name))
        if len(seen) == 3:
            watcher.stop()
    thread.join()
    assert seen == [("ADDED", "w"), ("MODIFIED", "w"), ("DELETED", "w")], seen


def watch_like_an_informer():
    """A list, then watches that end and go on where the last one stopped: nothing twice, nothing lost."""
    listed = core.list_namespaced_config_map(NAMESPACE)
    known = {item.metadata.name for item in listed.items}
    version = listed.metadata.resource_version
    for name in ("i1", "i2"):
        core.create_namespaced_config_map(NAMESPACE, config_map(name))
        watcher, seen = watch.Watch(), []
        for event in watcher.stream(core.list_namespaced_config_map, NAMESPACE,
                                    resource_version=version, timeout_seconds=1):
            seen.append(event["object"].metadata.name)
            version = event["object"].metadata.resource_version
            known.add(event["object"].metadata.name)
            watcher.stop()
        assert seen == [name], seen
    fresh = core.list_namespaced_config_map(NAMESPACE)
    assert known == {item.metadata.name for item in fresh.items}


def pods():
    return core.list_namespaced_pod(NAMESPACE, label_selector="app=web").items


def logs():
    name = pods()[0].metadata.name
    log = core.read_namespaced_pod_log(name, NAMESPACE, tail_lines=1)
    assert log.count("\n") <= 1 and log, log
    followed = watch.Watch()
    for line in followed.stream(core.read_namespaced_pod_log, name, NAMESPACE, tail_lines=1):
        assert line == log.rstrip("\n"), line
        followed.stop()


def execute():
    name = pods()[0].metadata.name

    def run(script):
        return stream(core.connect_get_namespaced_pod_exec, name, NAMESPACE, stdout=True,
                      stderr=True, stdin=False, tty=False, command=["sh", "-c", script],
                      _preload_content=False)

    good = run("echo out; echo err >&2")
    good.run_forever(timeout=10)
    assert (good.read_stdout(), good.read_stderr(), good.returncode) == ("out\n", "err\n", 0)
    bad = run("exit 7")
    bad.run_forever(timeout=10)
    assert bad.returncode == 7, bad.returncode
    talk = stream(core.connect_get_namespaced_pod_exec, name, NAMESPACE, stdout=True, stderr=True,
                  stdin=True, tty=False, command=["sh"], _preload_content=False)
    talk.write_stdin("echo typed\n")
    assert talk.readline_stdout(timeout=10) == "typed"
    talk.write_stdin("exit\n")
    talk.run_forever(timeout=10)
    talk.close()


def forward():
    name = pods()[0].metadata.name
    tunnel = portforward(core.connect_get_namespaced_pod_portforward, name, NAMESPACE, ports="80")
    socket = tunnel.socket(80)
    socket.setblocking(True)
    socket.settimeout(10)
    socket.sendall(b"GET /there HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
    answer = b""
    while b"/there" not in answer:
        chunk = socket.recv(4096)
        assert chunk, answer
        answer += chunk
    socket.close()
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    assert tunnel.error(80) is None


def delete():
    core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="page=yes")
    assert not core.list_namespaced_config_map(NAMESPACE, label_selector="page=yes").items
    apps.delete_namespaced_deployment("web", NAMESPACE, propagation_policy="Foreground")
    eventually("its pods are gone", lambda: not pods())
    core.delete_namespace(NAMESPACE)
    eventually("the namespace is gone", lambda: status_of(core.read_namespace, NAMESPACE) == 404)


core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE)))
for step in (create_and_replace, list_in_pages, patch, deploy, apply, watch_changes,
             watch_like_an_informer, logs, execute, forward, delete):
    step()
    print("ok", step.__name__.replace("_", " "), flush=True)
