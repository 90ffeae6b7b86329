import { dirname } from 'node:path';
import { test } from 'tap';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { change, good, problemsOf, world, writeFolder } from './folder.ts';

const rego = '  rego: [./policy]\n  data: ./data.json\n';
const policy = (lines: string) => change(rego, lines);

const wrong: readonly (readonly [what: string, config: string, says: RegExp])[] = [
  ['neither', policy('  entrypoint: a/b\n'), /^portcullis\.yaml:9:3: policy: needs one of `rego` and `bundle`$/],
  [
    'both',
    policy('  rego: ./policy\n  bundle: ./policy\n'),
    /:10:3: policy\.bundle: only one of `rego` and `bundle` can stand here/,
  ],
  [
    'a bundle with data beside it',
    policy('  bundle: ./policy\n  data: ./data.json\n'),
    /policy\.data: a bundle brings its own data/,
  ],
  [
    'a bundle that is not there',
    policy('  bundle: ./none.tar.gz\n'),
    /policy\.bundle: cannot read .*none\.tar\.gz: no such file/,
  ],
  [
    'an engine that is not known',
    policy(`${rego}  engine: wasn\n`),
    /policy\.engine: `wasn` is none of these; .*did you mean `wasm`\?/,
  ],
  [
    'strict errors with wasm',
    policy(`${rego}  engine: wasm\n  strict_builtin_errors: true\n`),
    /strict_builtin_errors: `engine: wasm` cannot: OPA's WebAssembly .*or `engine: plan`/,
  ],
  [
    'strict errors with both',
    policy(`${rego}  engine: verify\n  strict_builtin_errors: true\n`),
    /`engine: verify` cannot/,
  ],
  [
    'a share of nothing',
    policy(`${rego}  verify_share: 0\n`),
    /policy\.verify_share: 0 is out of range; allowed: a number over 0, up to 1/,
  ],
  ['a share in words', policy(`${rego}  verify_share: half\n`), /`half` is no number/],
  [
    'a deadline that the stall limit forestalls',
    policy(`${rego}  deadline: 1s\n`),
    /policy\.deadline: is not less than `limits\.stall`/,
  ],
  ['a deadline without a unit', policy(`${rego}  deadline: 25\n`), /`25` is not a duration/],
  ['a cache of another kind', policy(`${rego}  cache: on\n`), /policy\.cache: expected a map, got `on`/],
  ['a cache of nothing', policy(`${rego}  cache: { entries: 0 }\n`), /policy\.cache\.entries: 0 is out of range/],
  ['a profile that is not known', `${good}profile: strict\n`, /profile: `strict` is none of these/],
  [
    'regulated without its records',
    `${change('  segment: 64MiB', '  mode: best-effort')}profile: regulated\n`,
    /audit\.mode: `profile: regulated` does not allow it; allowed: `required`/,
  ],
  [
    'regulated and unsafe',
    `${good}profile: regulated\nunsafe_remote_admin: true\n`,
    /unsafe_remote_admin: `profile: regulated` does not allow it/,
  ],
  [
    'regulated and unsafe inside',
    `${change('  address: 127.0.0.1:8080', '  address: 127.0.0.1:8080\n  unsafe_close_delimited: true')}profile: regulated\n`,
    /workload\.unsafe_close_delimited: `profile: regulated` does/,
  ],
];

for (const [what, config, says] of wrong) {
  test(what, async (t) => {
    const problems = await problemsOf(writeFolder(t.testdir(), config));
    t.equal(problems.length, 1, 'one problem, once');
    t.match(problems[0], says);
  });
}

test('what is left out', async (t) => {
  const loaded = await loadConfig(writeFolder(t.testdir(), good), world);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  t.match(loaded.config.policy.engine, {
    strictBuiltinErrors: false,
    maxMemoryBytes: undefined,
    deadlineMs: 25,
    verify: { share: 1, refuse: false },
    cache: undefined,
  });
  t.equal(loaded.config.profile, 'standard');
});

test('a bundle is a source of its own, watched like all others', async (t) => {
  const file = writeFolder(
    t.testdir(),
    `${policy('  bundle: ./policy\n  engine: verify\n  cache: {}\n')}profile: regulated\n`,
  );
  const loaded = await loadConfig(file, world);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  t.strictSame(loaded.config.policy.source, { kind: 'bundle', path: `${dirname(file)}/policy` });
  t.match(loaded.config.policy.engine, { engine: 'verify', verify: { refuse: true }, cache: { maxEntries: 10_000 } });
  t.ok(loaded.watched.includes(`${dirname(file)}/policy`));
});
