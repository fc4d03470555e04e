// What programs do with @kubernetes/client-node, against the cluster that KUBECONFIG names. Ends with
// 0 if all of it holds, else with 1 and a message that names the step.
import assert from 'node:assert/strict';
import net from 'node:net';
import { PassThrough, Writable } from 'node:stream';
import * as k8s from '@kubernetes/client-node';

const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const objects = k8s.KubernetesObjectApi.makeApiClient(config);
const namespace = 'node-client';

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function eventually(what, holds) {
  for (let tries = 0; tries < 150; ++tries) {
    if (await holds()) return;
    await sleep(100);
  }
  throw new Error(`not within 15 s: ${what}`);
}

async function code(promise) {
  try {
    await promise;
    return 0;
  } catch (error) {
    return error.code;
  }
}

// A stream that collects text.
function sink() {
  let text = '';
  const stream = new Writable({
    write(chunk, _, done) {
      text += chunk;
      done();
    },
  });
  return { stream, text: () => text };
}

const configMap = (name, data) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});

const steps = {
  async 'create, read, replace, conflict'() {
    const made = await core.createNamespacedConfigMap({ namespace, body: configMap('a', { x: '1' }) });
    assert.ok(made.metadata.uid);
    assert.equal(await code(core.createNamespacedConfigMap({ namespace, body: configMap('a', {}) })),
      409, 'creating it again');
    made.data.x = '2';
    const replaced = await core.replaceNamespacedConfigMap({ name: 'a', namespace, body: made });
    assert.equal(replaced.data.x, '2');
    assert.equal(await code(core.replaceNamespacedConfigMap({ name: 'a', namespace, body: made })), 409,
      'replacing with an old resourceVersion');
    assert.equal(await code(core.readNamespacedConfigMap({ name: 'nothere', namespace })), 404);
  },

  async 'list in pages'() {
    for (const name of ['p1', 'p2', 'p3']) {
      const body = configMap(name, {});
      body.metadata.labels = { page: 'yes' };
      await core.createNamespacedConfigMap({ namespace, body });
    }
    const names = [];
    let next;
    do {
      const page = await core.listNamespacedConfigMap(
        { namespace, labelSelector: 'page=yes', limit: 2, _continue: next });
      names.push(...page.items.map((item) => item.metadata.name));
      next = page.metadata._continue;
    } while (next);
    assert.deepEqual(names, ['p1', 'p2', 'p3']);
  },

  async 'patch in four ways'() {
    const patch = (type, body, more = {}) =>
      core.patchNamespacedConfigMap({ name: 'a', namespace, body, ...more },
        k8s.setHeaderOptions('Content-Type', type));
    let got = await patch(k8s.PatchStrategy.JsonPatch, [{ op: 'add', path: '/data/json', value: 'y' }]);
    assert.equal(got.data.json, 'y');
    got = await patch(k8s.PatchStrategy.MergePatch, { data: { merge: 'y', json: null } });
    assert.deepEqual(got.data, { x: '2', merge: 'y' });
    got = await patch(k8s.PatchStrategy.StrategicMergePatch, { data: { strategic: 'y' } });
    assert.equal(got.data.strategic, 'y');
    const applied = configMap('a', { applied: 'y' });
    got = await patch(k8s.PatchStrategy.ServerSideApply, applied, { fieldManager: 'mjs' });
    assert.equal(got.data.applied, 'y');
    assert.ok(got.metadata.managedFields.some((m) => m.manager === 'mjs' && m.operation === 'Apply'));
    assert.equal(
      await code(patch(k8s.PatchStrategy.ServerSideApply, configMap('a', { applied: 'n' }),
        { fieldManager: 'another' })),
      409, 'applying over another manager');
  },

  async 'objects from YAML'() {
    const list = k8s.loadAllYaml(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: ${namespace}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1.25
        ports: [{containerPort: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: ${namespace}}
spec:
  selector: {app: web}
  ports: [{port: 80}]
`);
    for (const object of list) await objects.create(object);
    const read = await objects.read(list[1]);
    assert.match(read.spec.clusterIP, /^10\./);
    await eventually('the deployment is available', async () => {
      const web = await apps.readNamespacedDeployment({ name: 'web', namespace });
      return web.status?.availableReplicas === 1;
    });
  },

  async watch() {
    const { metadata } = await core.listNamespacedConfigMap({ namespace });
    const seen = [];
    const request = await new k8s.Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { resourceVersion: metadata.resourceVersion, allowWatchBookmarks: true },
      (type, object) => {
        if (type !== 'BOOKMARK') seen.push(`${type} ${object.metadata.name}`);
      },
      () => {});
    await core.createNamespacedConfigMap({ namespace, body: configMap('w', {}) });
    await core.patchNamespacedConfigMap(
      { name: 'w', namespace, body: { data: { a: 'b' } } },
      k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch));
    await core.deleteNamespacedConfigMap({ name: 'w', namespace });
    await eventually('three events', () => seen.length >= 3);
    request.abort();
    assert.deepEqual(seen, ['ADDED w', 'MODIFIED w', 'DELETED w']);
  },

  async 'informer that connects again'() {
    let lists = 0;
    const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, () => {
      ++lists;
      return core.listNamespacedConfigMap({ namespace });
    });
    const seen = [];
    for (const verb of ['add', 'update', 'delete']) {
      informer.on(verb, (object) => seen.push(`${verb} ${object.metadata.name}`));
    }
    await informer.start();
    await eventually('the first list', () => seen.includes('add a'));
    await core.createNamespacedConfigMap({ namespace, body: configMap('i', {}) });
    await eventually('what is added', () => seen.includes('add i'));
    await informer.stop();
    await core.deleteNamespacedConfigMap({ name: 'i', namespace });
    await core.createNamespacedConfigMap({ namespace, body: configMap('j', {}) });
    await informer.start();
    await eventually('what happened between', () => seen.includes('add j') && seen.includes('delete i'));
    assert.equal(informer.get('i', namespace), undefined);
    assert.ok(informer.get('j', namespace));
    assert.ok(lists >= 1);
    await informer.stop();
  },

  async logs() {
    const name = await pod();
    const log = await core.readNamespacedPodLog({ name, namespace, tailLines: 1 });
    assert.equal(log.trimEnd().split('\n').length, 1);
    const followed = sink();
    const request = await new k8s.Log(config).log(namespace, name, 'web', followed.stream,
      { follow: true, tailLines: 1 });
    await eventually('a followed line', () => followed.text().length > 0);
    request.abort();
    assert.equal(followed.text(), log);
  },

  async exec() {
    const run = async (command, input) => {
      const out = sink(), err = sink();
      let stdin = null;
      if (input !== undefined) {
        stdin = new PassThrough();
        stdin.end(input);
      }
      const status = await new Promise((done, failed) => {
        new k8s.Exec(config)
          .exec(namespace, name, 'web', command, out.stream, err.stream, stdin, false, done)
          .catch(failed);
      });
      return { out: out.text(), err: err.text(), status };
    };
    const name = await pod();
    const good = await run(['sh', '-c', 'echo out; echo err >&2']);
    assert.deepEqual([good.out, good.err, good.status.status], ['out\n', 'err\n', 'Success']);
    const bad = await run(['sh', '-c', 'exit 7']);
    assert.equal(bad.status.reason, 'NonZeroExitCode');
    assert.equal(bad.status.details.causes[0].message, '7');
  },

  async 'port-forward'() {
    const name = await pod();
    const forward = new k8s.PortForward(config);
    const server = net.createServer((socket) => {
      forward.portForward(namespace, name, [80], socket, null, socket).catch(() => socket.destroy());
    });
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const answer = sink();
    const socket = net.connect(server.address().port, '127.0.0.1');
    socket.pipe(answer.stream);
    socket.write('GET /there HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n');
    await eventually('an answer', () => answer.text().includes('/there'));
    assert.match(answer.text(), /^HTTP\/1.1 200 /);
    socket.destroy();
    server.close();
  },

  async delete() {
    await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'page=yes' });
    const left = await core.listNamespacedConfigMap({ namespace, labelSelector: 'page=yes' });
    assert.equal(left.items.length, 0);
    await apps.deleteNamespacedDeployment({ name: 'web', namespace, propagationPolicy: 'Foreground' });
    await eventually('its pods are gone', async () =>
      (await core.listNamespacedPod({ namespace })).items.length === 0);
    await core.deleteNamespace({ name: namespace });
    await eventually('the namespace is gone', async () =>
      (await code(core.readNamespace({ name: namespace }))) === 404);
  },
};

async function pod() {
  const { items } = await core.listNamespacedPod({ namespace, labelSelector: 'app=web' });
  return items[0].metadata.name;
}

await core.createNamespace({ body: { metadata: { name: namespace } } });
for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
    console.log(`ok ${name}`);
  } catch (error) {
    console.error(`FAILED ${name}: ${error.stack ?? error}`);
    process.exit(1);
  }
}
process.exit(0);
