import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { test } from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import { keyUsageBits } from '../../../certs/certificate.ts';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { thisMachine } from '../../../proxy/config/world.ts';
import { portcullisIn } from '../../harness/command.ts';
import { type PodSpec, podSecurityProblems } from '../../harness/pod-security.ts';
import { newFolder } from '../../harness/proxy.ts';
import { makePki } from '../../pki/pki.ts';

const { digestOfSources, overlays, render, renderedFile } = (await import(
  new URL('../../../.ci/kubernetes.mjs', import.meta.url).href
)) as {
  readonly digestOfSources: () => string;
  readonly overlays: readonly string[];
  readonly render: (overlay: string) => string;
  readonly renderedFile: (overlay: string) => string;
};

const kubernetes = join(import.meta.dirname, '../../../deploy/kubernetes');

type Resource = { readonly apiVersion: string; readonly kind: string; readonly metadata: { readonly name: string } };
type Workload = Resource & {
  readonly spec: {
    readonly template: { readonly metadata: { labels: Readonly<Record<string, string>> }; readonly spec: PodSpec };
  };
};
type NetworkPolicy = Resource & {
  readonly spec: {
    readonly podSelector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly policyTypes: readonly string[];
    readonly ingress: readonly {
      readonly from?: unknown;
      readonly ports: readonly { readonly port: number }[];
    }[];
  };
};
type ConfigMap = Resource & { readonly data: Readonly<Record<string, string>> };

const resourcesOf = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as Resource);
const rendered = new Map(overlays.map((overlay) => [overlay, readFileSync(renderedFile(overlay), 'utf8')]));
const resources = new Map([...rendered].map(([overlay, text]) => [overlay, resourcesOf(text)]));
/** The one overlay that gives up "restricted", for a container that ends before anything else starts. */
const redirecting = 'redirect';
const sidecarOf = ({ initContainers }: PodSpec) => initContainers.find(({ name }) => name === 'portcullis');
const ofKind = <T extends Resource>(overlay: string, kind: string) =>
  (resources.get(overlay) ?? []).filter((each): each is T => each.kind === kind);

test('what was rendered is of these sources (node .ci/kubernetes.mjs)', (t) => {
  t.ok(overlays.length > 1);
  const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
  for (const [overlay, text] of rendered) {
    t.match(text.split('\n')[0], digestOfSources(), overlay);
    if (hasKubectl) t.equal(text, render(overlay), `${overlay}, as kubectl renders it`);
  }
  t.end();
});

test('each resource is what the API of Kubernetes 1.30 and the Prometheus Operator take', (t) => {
  const { definitions, kinds } = JSON.parse(
    readFileSync(join(import.meta.dirname, 'fixtures/kubernetes-1.30.json'), 'utf8'),
  ) as { readonly definitions: object; readonly kinds: Readonly<Record<string, object>> };
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const validators = new Map(
    Object.entries(kinds).map(([kind, schema]) => [kind, ajv.compile({ ...schema, definitions })]),
  );
  const problemOf = (resource: Resource) => {
    const validate = validators.get(`${resource.apiVersion}/${resource.kind}`);
    if (validate === undefined) return 'a kind without a schema';
    return validate(resource) ? undefined : JSON.stringify(validate.errors);
  };
  for (const [overlay, all] of resources) {
    for (const resource of all) {
      t.equal(problemOf(resource), undefined, `${overlay}: ${resource.kind} ${resource.metadata.name}`);
      t.ok(problemOf({ ...resource, spce: {} } as Resource), 'a key that it does not know is refused');
    }
  }
  t.end();
});

test('each pod', async (t) => {
  for (const overlay of overlays) {
    for (const { metadata, spec } of ofKind<Workload>(overlay, 'Deployment')) {
      const { metadata: podMetadata, spec: pod } = spec.template;
      const name = `${overlay}: ${metadata.name}`;
      const refused = overlay === redirecting ? ['redirect: may be root', 'redirect: keeps capabilities'] : [];
      t.same(podSecurityProblems(pod), refused, `${name} is one that the profile restricted takes`);

      const sidecar = sidecarOf(pod);
      t.equal(pod.initContainers.at(-1), sidecar);
      t.match(sidecar, { name: 'portcullis', restartPolicy: 'Always' }, `${name} has a sidecar and no init container`);
      t.same(sidecar?.startupProbe?.exec.command.slice(-2), ['probe', 'ready'], 'before which nothing starts');

      const volumes = pod.volumes?.map((volume) => volume.name) ?? [];
      const mounted = [...pod.initContainers, ...pod.containers].flatMap((each) =>
        each?.volumeMounts?.map((mount) => mount.name),
      );
      t.same(new Set(mounted.filter(Boolean)), new Set(volumes), `${name} mounts its volumes and no others`);
      t.equal(podMetadata.labels['portcullis'], 'in-front', `${name} is one that the network policies mean`);
      t.ok((pod.terminationGracePeriodSeconds ?? 0) > 35, 'it may drain');
    }
  }
});

test('what pod security refuses is found', (t) => {
  const pod = ofKind<Workload>('local-ca', 'Deployment')[0]?.spec.template.spec;
  if (pod === undefined) throw new Error('no pod');
  const [workload] = pod.containers;
  if (workload === undefined) throw new Error('no workload');
  const withContext = (securityContext: object): PodSpec => ({
    ...pod,
    containers: [{ ...workload, securityContext: { ...workload.securityContext, ...securityContext } }],
  });
  for (const [bad, problem] of [
    [{ ...pod, hostNetwork: true }, 'hostNetwork'],
    [{ ...pod, volumes: [{ name: 'host', hostPath: { path: '/' } }] }, 'volume host'],
    [withContext({ runAsUser: 0 }), 'orders: may be root'],
    [withContext({ allowPrivilegeEscalation: true }), 'orders: may gain privileges'],
    [withContext({ capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] } }), 'orders: keeps capabilities'],
    [withContext({ seccompProfile: { type: 'Unconfined' } }), 'orders: has every system call'],
    [withContext({ readOnlyRootFilesystem: false }), 'orders: writes to its root'],
  ] as const) {
    t.same(podSecurityProblems(bad), [problem]);
  }
  t.end();
});

/** The folder that kubelet makes of a ConfigMap, links through `..data` included. */
function mount(folder: string, data: Readonly<Record<string, string>>): void {
  mkdirSync(join(folder, '..2026_01_01'), { recursive: true });
  symlinkSync('..2026_01_01', join(folder, '..data'));
  for (const [name, text] of Object.entries(data)) {
    writeFileSync(join(folder, '..2026_01_01', name), text);
    symlinkSync(`..data/${name}`, join(folder, name));
  }
}

test('the configuration in each ConfigMap is a good one, and says of the ports what the pod says', async (t) => {
  for (const overlay of overlays) {
    const [configMap] = ofKind<ConfigMap>(overlay, 'ConfigMap').filter(
      ({ metadata }) => metadata.name === 'portcullis',
    );
    const [deployment] = ofKind<Workload>(overlay, 'Deployment');
    const sidecar = deployment && sidecarOf(deployment.spec.template.spec);
    const folder = newFolder(t);
    mount(folder, configMap?.data ?? {});
    const loaded = await loadConfig(join(folder, 'portcullis.yaml'), thisMachine());
    t.ok(loaded.ok, overlay, { problems: loaded.ok ? [] : loaded.problems });
    if (!loaded.ok) continue;
    const { listen, admin, workload, identity, audit } = loaded.config;
    const ports = Object.fromEntries(sidecar?.ports?.map(({ name, containerPort }) => [name, containerPort]) ?? []);
    t.match(workload.address, { host: '127.0.0.1' }, 'the workload is asked on loopback');
    t.equal(ports['mtls'], listen.port);
    const outside = typeof admin === 'object' && admin.kind === 'tcp' && admin.host === '0.0.0.0';
    t.equal(ports['metrics'], outside ? 9464 : undefined, 'metrics leave the pod where they are read');

    const open = ofKind<NetworkPolicy>(overlay, 'NetworkPolicy').flatMap(({ spec: { podSelector, ingress } }) => {
      t.same(podSelector, { matchLabels: { portcullis: 'in-front' } });
      return ingress.flatMap(({ from, ports: of }) =>
        of.map(({ port }) => `${port} to ${from === undefined ? 'all' : 'some'}`),
      );
    });
    // What is redirected is asked for by its own port.
    const more = [...(outside ? ['9464 to some'] : []), ...(overlay === redirecting ? ['8080 to all'] : [])];
    t.same(new Set(open), new Set(['8443 to all', ...more]), 'no other port is open');
    for (const path of [identity.stateFolder, audit.folder]) {
      t.ok(
        sidecar?.volumeMounts?.some(({ mountPath }) => path.startsWith(`${mountPath}/`)),
        `${path} can be written`,
      );
    }
  }
});

test('each other configuration is that of the base but for what it is there for', (t) => {
  type Settings = { readonly identity: { readonly files: object } };
  const read = (name: string) => parse(readFileSync(join(kubernetes, name, 'portcullis.yaml'), 'utf8')) as Settings;
  const { identity, ...others } = read('base');
  const { files, ...whoItIs } = identity;
  t.ok(files);
  t.same(read('monitoring'), { identity, ...others, admin: '0.0.0.0:9464', unsafe_remote_admin: true });
  const agent = { socket: 'unix:///run/svid/spire-agent.sock' };
  t.same(read('overlays/spire'), { identity: { ...whoItIs, workload_api: agent }, ...others });
  t.end();
});

test('`portcullis check` has nothing to say of it, with an SVID as csi-driver-spiffe writes one', async (t) => {
  const folder = newFolder(t);
  const pki = await makePki({ trustDomain: 'shop.test' });
  const keyUsage = keyUsageBits.digitalSignature | keyUsageBits.keyEncipherment;
  const { certPem, keyPem } = await pki.issue({ path: '/ns/shop/sa/orders', keyUsage });
  mount(join(folder, 'svid'), { 'tls.crt': certPem, 'tls.key': keyPem, 'ca.crt': pki.caPem });
  chmodSync(join(folder, 'svid/tls.key'), 0o400);
  const [configMap] = ofKind<ConfigMap>('cert-manager', 'ConfigMap');
  const here = (text: string) => text.replaceAll('/run/svid', join(folder, 'svid'));
  const data = Object.entries(configMap?.data ?? {}).map(([name, text]) => [name, here(text)]);
  mount(join(folder, 'config'), Object.fromEntries(data) as Record<string, string>);
  const checked = portcullisIn(folder, 'check', '-c', 'config/portcullis.yaml');
  t.match(checked, { status: 0, stdout: /no problem[^]*spiffe:\/\/shop\.test\/ns\/shop\/sa\/orders/ }, checked.stderr);
});
