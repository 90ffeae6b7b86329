import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import ajvFormats from 'ajv-formats';
import { test } from 'tap';
import { parse } from 'yaml';
import { readArguments } from '../../../proxy/cli/command.ts';
import { runCommands } from '../../../proxy/cli/run.ts';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { loadWorkloadApi } from '../../../proxy/config/load-workload-api.ts';
import { thisMachine } from '../../../proxy/config/world.ts';

type Service = {
  readonly image: string;
  readonly command?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly network_mode?: string;
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly ports?: readonly string[];
  readonly profiles?: readonly string[];
};
type Volume = { readonly driver_opts?: { readonly type: string; readonly o: string } };
type Compose = {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes?: Readonly<Record<string, Volume>>;
};

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (name: string) => parse(readFileSync(join(root, name), 'utf8'), { merge: true }) as Compose;
const compose = read('compose.yaml');
const services = Object.entries(compose.services);
const forDevelopment = Object.entries(read('compose.dev.yaml').services);
const proxies = services.filter(([name]) => name.endsWith('-proxy'));

test('compose.yaml and compose.dev.yaml are what the Compose Specification says', (t) => {
  const schema = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures/compose-spec.json'), 'utf8')) as {
    $schema?: string;
  };
  // Its own spelling of draft 7's name is one that no validator knows.
  delete schema.$schema;
  const ajv = new Ajv({ strict: false, allErrors: true });
  ajvFormats.default(ajv);
  const validate = ajv.compile(schema);
  for (const name of ['compose.yaml', 'compose.dev.yaml']) {
    t.ok(validate(read(name)), name, { errors: validate.errors });
  }
  t.notOk(validate({ services: { a: { image: 'a', no_such_key: 1 } } }), 'a key that it does not know is refused');
  t.end();
});

test('each service is confined', (t) => {
  for (const [name, service] of services) {
    t.match(service, { read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] }, name);
    if (service.image.startsWith('portcullis:')) {
      t.match(service, { user: '65532:65532', ulimits: { core: 0 }, pids_limit: 64, mem_limit: /m$/ }, name);
      t.match(service.tmpfs?.join(), /^\/tmp:.*noexec,nosuid,nodev$/, name);
    }
    for (const [source = ''] of (service.volumes ?? []).map((volume) => volume.split(':'))) {
      if (source.startsWith('.')) t.ok(existsSync(join(root, source)), `${name} mounts ${source}, which is there`);
    }
  }
  t.end();
});

test('and compose.dev.yaml takes nothing of that away; what either opens is for this machine only', (t) => {
  const harmless = ['command', 'mem_limit', 'networks', 'ports', 'develop'];
  for (const [name, service] of forDevelopment) {
    const others = Object.keys(service).filter((key) => !harmless.includes(key));
    t.same(others, [], name);
  }
  const ports = [...services, ...forDevelopment].flatMap(([, service]) => service.ports ?? []);
  t.equal(ports.length, 4);
  for (const port of ports) t.match(port, /^127\.0\.0\.1:/);
  t.end();
});

test('what outlives the containers are records and series; keys are on tmpfs, where nothing can be run', (t) => {
  const volumes = Object.entries(compose.volumes ?? {});
  const [inMemory, onDisk] = [true, false].map((wanted) =>
    volumes.filter(([, { driver_opts: options }]) => (options?.type === 'tmpfs') === wanted),
  );
  t.same(
    onDisk?.map(([name]) => name),
    ['ca-audit', 'orders-audit', 'billing-audit', 'prometheus'],
  );
  t.same(
    inMemory?.map(([name]) => name),
    ['ca', 'identities', 'orders-agent', 'billing-agent'],
  );
  for (const [name, { driver_opts: options }] of inMemory ?? []) {
    t.match(options?.o, /mode=0700,uid=65532,gid=65532,noexec,nosuid,nodev$/, name);
  }
  t.end();
});

test('nothing starts before what it needs is healthy', (t) => {
  for (const [name, { depends_on: needed = {}, profiles, image, healthcheck }] of services) {
    for (const [other, gate] of Object.entries(needed)) {
      t.same(gate, { condition: 'service_healthy' }, `${name} waits for ${other}`);
      t.ok(compose.services[other]?.healthcheck, `${other} says how it is`);
    }
    if (image.startsWith('portcullis:') && profiles === undefined) t.ok(healthcheck, name);
  }
  t.end();
});

test('each proxy shares the network namespace of its workload, and its configuration is a good one', async (t) => {
  t.equal(proxies.length, 2);
  for (const [name, { network_mode: mode, volumes = [], healthcheck }] of proxies) {
    t.equal(mode, `service:${name.replace('-proxy', '')}`);
    const folder = volumes.find((volume) => volume.includes(':/etc/portcullis'))?.split(':')[0] ?? '';
    const loaded = await loadConfig(join(root, folder, 'portcullis.yaml'), thisMachine());
    t.ok(loaded.ok, name, { problems: loaded.ok ? [] : loaded.problems });
    if (!loaded.ok) continue;
    const { admin, identity, audit, workload } = loaded.config;
    t.match(
      identity,
      { stateFolder: /^\/tmp\//, source: { kind: 'workload-api' } },
      'nothing of the CA is in its reach',
    );
    t.match(workload.address, { host: '127.0.0.1' });
    t.same(
      admin,
      { kind: 'tcp', host: healthcheck?.test.at(-1)?.split(':')[0], port: 9464 },
      'its health is asked for there',
    );
    t.ok(
      volumes.some((volume) => volume.endsWith(`:${audit.folder}`)),
      'its records outlive the container',
    );
    t.ok(existsSync(join(dirname(join(root, folder)), name.replace('-proxy', ''), 'policy/authz.rego')));
  }
});

test('who writes policies has a compiler that stays, beside the same configuration', (t) => {
  const dev = new Map(forDevelopment);
  for (const [name] of proxies) {
    const [word = '', ...rest] = dev.get(name)?.command ?? [];
    const command = runCommands.find(({ path }) => path.join(' ') === word);
    t.ok(command && readArguments(command, rest).switches.has('standby-compiler'), name);
    t.match(rest.join(' '), /--config \/etc\/portcullis\/portcullis\.yaml/, 'that of the image');
  }
  t.end();
});

test('the CA gives each proxy a socket of its own, and its key to none', async (t) => {
  const loaded = await loadWorkloadApi(join(root, 'deploy/compose/ca/workload-api.yaml'), thisMachine());
  t.ok(loaded.ok, 'no problem', { problems: loaded.ok ? [] : loaded.problems });
  if (!loaded.ok) return;
  const { config } = loaded;
  const volumes = new Map(services.map(([name, service]) => [name, service.volumes ?? []]));
  for (const [name] of proxies) {
    const workload = name.replace('-proxy', '');
    const socket = config.sockets.find(({ path }) => path === `/run/portcullis/${workload}/agent.sock`);
    t.same(
      socket?.svids.map(({ spiffeId }) => spiffeId),
      [`spiffe://shop.test/${workload}`],
    );
    const agents = volumes.get(name)?.filter((volume) => volume.includes('-agent:'));
    t.same(agents, [`${workload}-agent:/run/svid:ro`]);
    t.ok(volumes.get('ca')?.includes(`${workload}-agent:/run/portcullis/${workload}`));
  }
  const reach = [...volumes].filter(([, of]) => of.some((volume) => volume.startsWith('ca:'))).map(([name]) => name);
  t.same(reach, ['ca', 'identities']);
});
