import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { test } from 'tap';
import { parse } from 'yaml';
import { newFolder } from '../../harness/proxy.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');
/** Without tap's loader, which its children would inherit. */
const script = (path: string, ...words: readonly string[]) =>
  ['env', ['-u', 'NODE_OPTIONS', process.execPath, join(root, path), ...words]] as const;

type Named = { readonly name: string; readonly 'bom-ref': string; readonly licenses?: readonly unknown[] };
type Bill = {
  readonly components: readonly Named[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
};
const { differences, onlyInstalled } = (await import(new URL('../../../.ci/image/bill.mjs', import.meta.url).href)) as {
  readonly differences: (bill: Bill, onDisk: readonly string[]) => readonly string[];
  readonly onlyInstalled: (bill: Bill, onDisk: readonly string[]) => Bill;
};

const { billOfAll, page, pageFile, shipped } = (await import(
  new URL('../../../.ci/licences.mjs', import.meta.url).href
)) as {
  readonly billOfAll: () => Bill;
  readonly page: (components: readonly Named[]) => string;
  readonly pageFile: string;
  readonly shipped: () => readonly string[];
};
const { licencesOfModules, linkedModules, moduleComponents } = (await import(
  new URL('../../../.ci/image/compiler-modules.mjs', import.meta.url).href
)) as {
  readonly licencesOfModules: (root: string) => ReadonlyMap<string, string>;
  readonly linkedModules: (root: string) => readonly (readonly [name: string, version: string])[];
  readonly moduleComponents: (root: string) => readonly { readonly name: string; readonly purl: string }[];
};

test('the bill of materials names what is installed, each with its licence', (t) => {
  const all = billOfAll();
  const onDisk = shipped();
  const bill = onlyInstalled(all, onDisk);
  t.ok(onDisk.length > 30);
  t.same(differences(bill, onDisk), []);
  t.ok(bill.components.length < all.components.length, 'and nothing that only development needs');
  t.same(
    bill.components.filter(({ licenses = [] }) => licenses.length === 0),
    [],
  );
  const known = new Set(bill.dependencies.map(({ ref }) => ref));
  for (const component of bill.components) t.ok(known.has(component['bom-ref']), component.name);
  t.ok(bill.dependencies.every(({ dependsOn }) => dependsOn.every((ref) => known.has(ref))));

  const [first = ''] = onDisk;
  t.same(differences(bill, [...onDisk, 'stranger@1.0.0']), ['stranger@1.0.0 is installed, and not in the bill']);
  t.same(differences(bill, onDisk.slice(1)), [`${first} is in the bill, and not installed`]);
  t.equal(readFileSync(pageFile, 'utf8'), page(bill.components), 'the list of licences (node .ci/licences.mjs)');
  t.end();
});

test('and what is inside the policy compiler, where npm has installed nothing', (t) => {
  const linked = linkedModules(root);
  const asked = new Map(
    [...read('policy/compiler/go.mod').matchAll(/^(?:require|\t)\s*(\S+) (v\S+)/gm)].map(
      ([, ...of]) => of as [string, string],
    ),
  );
  t.ok(linked.length > 15);
  t.equal(
    linked.find(([name]) => name === 'github.com/open-policy-agent/opa')?.[1],
    asked.get('github.com/open-policy-agent/opa'),
  );
  for (const [name, version] of linked.slice(1)) t.equal(version, asked.get(name), name);
  t.same(
    new Set(licencesOfModules(root).keys()),
    new Set(linked.map((module) => module.join(' '))),
    'each with the text of its licence',
  );
  t.match(moduleComponents(root)[0], {
    purl: /^pkg:golang\/std@v1\.\d+\.\d+$/,
    licenses: [{ expression: 'BSD-3-Clause' }],
  });
  t.end();
});

test('the lockfile has every package that one of its packages needs, for every platform, or `npm ci` refuses it', (t) => {
  type Entry = { readonly dependencies?: object; readonly optionalDependencies?: object };
  const { packages } = JSON.parse(read('package-lock.json')) as { readonly packages: Readonly<Record<string, Entry>> };
  /** As Node looks for it: in the package itself, then in each folder above. */
  const isLocked = (from: string, name: string): boolean =>
    `${from}${from === '' ? '' : '/'}node_modules/${name}` in packages ||
    (from !== '' && isLocked(from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), name));
  const missing = Object.entries(packages).flatMap(([path, { dependencies = {}, optionalDependencies = {} }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies }).filter((name) => !isLocked(path, name)),
  );
  t.same(missing, []);
  t.end();
});

test('each locked package is what its SHA-512 says, of an exact version, and runs nothing when it is installed', (t) => {
  type Entry = { readonly integrity?: string; readonly link?: boolean; readonly resolved?: string };
  type Locked = Entry & { readonly hasInstallScript?: boolean };
  const { packages } = JSON.parse(read('package-lock.json')) as { readonly packages: Readonly<Record<string, Locked>> };
  const locked = Object.entries(packages).filter(([path]) => path !== '');
  t.ok(locked.length > 100);
  const unsure = locked.filter(
    ([, { integrity = '', link = false, resolved = '' }]) =>
      !/^sha512-[\w+/]{86}==$/.test(integrity) || link || !/^(?:https:|$)/.test(resolved),
  );
  t.same(unsure, [], 'from a registry, and neither a link, a file nor a clone');
  t.same(
    locked.flatMap(([path, { hasInstallScript = false }]) => (hasInstallScript ? [path] : [])),
    ['node_modules/@bufbuild/buf', 'node_modules/esbuild', 'node_modules/protobufjs'],
    'one more that would run something is looked at first, although it would not be run',
  );
  const native = /(?:^|\/)(?:node-gyp|node-gyp-build|node-addon-api|bindings|nan|prebuild-install|node-pre-gyp)$/;
  t.same(
    locked.filter(([path]) => native.test(path)).map(([path]) => path),
    ['node_modules/@npmcli/node-gyp', 'node_modules/node-gyp'],
    'no native add-ons; what could build one belongs to the npm that the test runner brings along',
  );
  const direct = JSON.parse(read('package.json')) as Readonly<Record<string, Readonly<Record<string, string>>>>;
  for (const kind of ['dependencies', 'optionalDependencies', 'devDependencies'])
    for (const [name, version] of Object.entries(direct[kind] ?? {})) t.match(version, /^\d+\.\d+\.\d+$/, name);
  const settings = read('.npmrc').split('\n');
  for (const setting of ['ignore-scripts=true', 'min-release-age=7', 'allow-git=none', 'allow-remote=none'])
    t.ok(settings.includes(setting), setting);
  t.end();
});

test('a provenance statement', { skip: existsSync(join(root, '.git')) ? false : 'not a clone' }, (t) => {
  const file = join(newFolder(t), 'portcullis.tar.gz');
  writeFileSync(file, 'what was built');
  const github = {
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'shop/portcullis',
    GITHUB_REF: 'refs/tags/v1.0.0',
    GITHUB_WORKFLOW_REF: 'shop/portcullis/.github/workflows/release.yml@refs/tags/v1.0.0',
    GITHUB_RUN_ID: '7',
    GITHUB_RUN_ATTEMPT: '1',
  };
  const base = `docker.io/library/node:26-trixie-slim@sha256:${'a'.repeat(64)}`;
  const image = `ghcr.io/shop/portcullis@sha256:${'b'.repeat(64)}`;
  const options = { encoding: 'utf8', env: { ...process.env, ...github } } as const;
  const said = execFileSync(...script('.ci/provenance.mjs', file, image, '--base', base), options);
  const commit = execFileSync('git', ['-C', root, 'rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
  t.match(JSON.parse(said), {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      { name: 'portcullis.tar.gz', digest: { sha256: sha256('what was built') } },
      { name: 'ghcr.io/shop/portcullis', digest: { sha256: 'b'.repeat(64) } },
    ],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        externalParameters: { source: 'git+https://github.com/shop/portcullis', ref: 'refs/tags/v1.0.0' },
        resolvedDependencies: [
          { uri: 'git+https://github.com/shop/portcullis@refs/tags/v1.0.0', digest: { gitCommit: commit } },
          { uri: 'package-lock.json', digest: { sha256: sha256(read('package-lock.json')) } },
          { uri: 'docker://docker.io/library/node:26-trixie-slim', digest: { sha256: 'a'.repeat(64) } },
        ],
      },
      runDetails: {
        builder: { id: `https://github.com/${github.GITHUB_WORKFLOW_REF}` },
        metadata: { invocationId: 'https://github.com/shop/portcullis/actions/runs/7/attempts/1' },
      },
    },
  });
  t.equal(spawnSync(...script('.ci/provenance.mjs', file, '--base', 'node:26')).status, 2, 'a tag is no base');

  const inImage = (revision: string) => {
    const words = [join(root, '.ci/provenance.mjs'), file, '--revision', revision];
    const { stdout } = spawnSync(process.execPath, words, { encoding: 'utf8', env: { PATH: '/where/no/git/is' } });
    const { predicate } = JSON.parse(stdout) as {
      readonly predicate: { readonly buildDefinition: { readonly resolvedDependencies: readonly unknown[] } };
    };
    return predicate.buildDefinition.resolvedDependencies[0];
  };
  t.same(inImage(commit), { uri: 'urn:portcullis:source@HEAD', digest: { gitCommit: commit } });
  t.same(inImage('unknown'), { uri: 'urn:portcullis:source@HEAD' }, 'what nobody has told is not made up');
  t.end();
});

type Step = { readonly uses?: string; readonly run?: string };
type Job = {
  readonly uses?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly needs?: string;
  readonly 'timeout-minutes'?: number;
  readonly steps?: readonly Step[];
};
type Workflow = { readonly permissions: object; readonly jobs: Readonly<Record<string, Job>> };

test('the workflows', (t) => {
  const schema = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures/github-workflow.json'), 'utf8')) as object;
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  const workflows = globSync('.github/workflows/*', { cwd: root }).map(
    (path) => [path, parse(read(path)) as Workflow] as const,
  );
  t.ok(workflows.length > 1);
  const jobs = workflows.flatMap(([path, workflow]) => {
    t.ok(validate(workflow), `${path} is one that GitHub takes`, { errors: validate.errors });
    t.same(workflow.permissions, {}, `${path} may do nothing that a job does not ask for`);
    return Object.values(workflow.jobs);
  });
  const steps = jobs.flatMap((job) => job.steps ?? []);
  for (const uses of [...jobs, ...steps].flatMap((each) => each.uses ?? [])) {
    if (uses.startsWith('./')) accessSync(join(root, uses));
    else t.match(uses, /@[0-9a-f]{40}$/, `${uses} is a commit, and no tag that can be moved`);
  }
  for (const job of jobs) t.ok(job.permissions !== undefined && (job.uses !== undefined || job['timeout-minutes']));
  const called = steps.flatMap(({ run = '' }) => [...run.matchAll(/(?<=^| )\.ci\/\S+/g)].map(([path]) => path));
  t.same(new Set(called), new Set(['.ci/run', '.ci/publish']));
  for (const path of called) accessSync(join(root, path), constants.X_OK);
  t.match(workflows.find(([path]) => path.endsWith('release.yml'))?.[1].jobs['publish'], { needs: 'test' });
  t.end();
});
