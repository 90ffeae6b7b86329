import { test } from 'tap';
import { readImports, type SourceFile } from './imports.ts';
import {
  benchIsLoadedOnDemand,
  folders,
  loadedOnDemand,
  noBarrels,
  noCycles,
  oneImporter,
  outsideWorld,
  productReachesNoTest,
  type Rule,
  smallFiles,
} from './rules.ts';

function tree(files: Readonly<Record<string, string>>): SourceFile[] {
  return Object.entries(files).map(([path, text]) => ({ path, text, imports: readImports(path, text) }));
}

const breaches: readonly { what: string; rule: Rule; files: Record<string, string>; says: RegExp }[] = [
  {
    what: 'certs imports policy',
    rule: folders,
    files: { 'certs/a.ts': "import type { X } from '../policy/x.ts';" },
    says: /^certs\/a\.ts: imports policy\/x\.ts; certs imports nothing/,
  },
  {
    what: 'policy imports more of certs than the identity',
    rule: folders,
    files: { 'policy/b/a.ts': "import { x } from '../../certs/x509.ts';" },
    says: /policy imports certs\/spiffe-id\.ts only/,
  },
  {
    what: 'proxy imports a test',
    rule: folders,
    files: { 'proxy/a.ts': "const x = await import('../test/x.ts');" },
    says: /nothing of the product imports test\//,
  },
  {
    what: 'compliance imports a benchmark',
    rule: folders,
    files: { 'compliance/a.ts': "import '../bench/x.ts';" },
    says: /only proxy\/cli\/bench\*\.ts knows bench\//,
  },
  {
    what: 'another command imports a benchmark',
    rule: folders,
    files: { 'proxy/cli/run.ts': "await import('../../bench/x.ts');" },
    says: /^proxy\/cli\/run\.ts: imports bench\/x\.ts/,
  },
  {
    what: 'the command of the benchmark loads it at every start',
    rule: benchIsLoadedOnDemand,
    files: { 'proxy/cli/bench-x.ts': "import { x } from '../../bench/x.ts';" },
    says: /^proxy\/cli\/bench-x\.ts: imports bench\/x\.ts at its start/,
  },
  {
    what: 'a package that few need is loaded with every start, two files away',
    rule: loadedOnDemand(['proxy/cli/run.ts'], ['heavy']),
    files: {
      'proxy/cli/run.ts': "import { a } from '../a.ts';",
      'proxy/a.ts': "import { b } from './b.ts';\nimport type { C } from './c.ts';\nawait import('./d.ts');",
      'proxy/b.ts': "import { h } from 'heavy';",
      'proxy/c.ts': "import { h } from 'heavy';",
      'proxy/d.ts': "import { h } from 'heavy';",
    },
    says: /^proxy\/b\.ts: imports heavy at every start/,
  },
  {
    what: 'the command of the benchmark needs a test, two files away',
    rule: productReachesNoTest,
    files: {
      'proxy/cli/bench.ts': "await import('../../bench/a.ts');",
      'bench/a.ts': "import { b } from './b.ts';",
      'bench/b.ts': "import { t } from '../test/harness/t.ts';",
      'bench/ours.ts': "import { t } from '../test/harness/t.ts';",
    },
    says: /^bench\/b\.ts: imports test\/harness\/t\.ts; .* through bench\/a\.ts/,
  },
  {
    what: 'proxy starts a worker file of bench',
    rule: folders,
    files: { 'proxy/a.ts': "new Worker(new URL('../bench/x.ts', import.meta.url));" },
    says: /imports bench\/x\.ts/,
  },
  {
    what: 'a filter imports a filter',
    rule: folders,
    files: { 'proxy/filters/a.ts': "import {\n  type B,\n  b,\n} from './b.ts';" },
    says: /^proxy\/filters\/a\.ts: imports proxy\/filters\/b\.ts/,
  },
  {
    what: 'an exchange knows that it came by HTTP/1.1',
    rule: folders,
    files: { 'proxy/serve.ts': "import type { RequestHead } from './http1/request-head.ts';" },
    says: /^proxy\/serve\.ts: imports proxy\/http1\/request-head\.ts; behind proxy\/transport\.ts/,
  },
  {
    what: 'an exchange knows that it came by HTTP/2',
    rule: folders,
    files: { 'proxy/serve.ts': "import { Http2Connection } from './http2/connection.ts';" },
    says: /^proxy\/serve\.ts: imports proxy\/http2\/connection\.ts; behind proxy\/transport\.ts/,
  },
  {
    what: 'the workload is asked over HTTP/2',
    rule: folders,
    files: { 'proxy/upstream/forward.ts': "import { encodeFields } from '../http2/hpack/encoder.ts';" },
    says: /imports proxy\/http2\/hpack\/encoder\.ts; only who accepts connections knows HTTP\/2/,
  },
  {
    what: 'HTTP/2 borrows from HTTP/1.1',
    rule: folders,
    files: { 'proxy/http2/request.ts': "import { token } from '../http1/grammar.ts';" },
    says: /^proxy\/http2\/request\.ts: imports proxy\/http1\/grammar\.ts; the two protocols/,
  },
  {
    what: 'the request path imports the command line',
    rule: folders,
    files: { 'proxy/listener.ts': "import { x } from './cli/render.ts';" },
    says: /the command line is outermost/,
  },
  {
    what: 'a package has two importers',
    rule: oneImporter({}),
    files: { 'proxy/a.ts': "import { x } from 'pkg/sub';", 'proxy/b.ts': "import type { y } from 'pkg';" },
    says: /^proxy\/a\.ts, proxy\/b\.ts: import pkg;/,
  },
  {
    what: 'a package with a folder of its own is imported elsewhere',
    rule: oneImporter({ undici: /^proxy\/upstream\// }),
    files: { 'proxy/upstream/a.ts': "import 'undici';", 'proxy/b.ts': "import { x } from 'undici';" },
    says: /^proxy\/b\.ts: import undici/,
  },
  {
    what: 'modules form a cycle, be it of types',
    rule: noCycles,
    files: {
      'a.ts': "import type { b } from './b.ts';",
      'b.ts': "export * from './c.ts';",
      'c.ts': "import { a } from './a.ts';",
    },
    says: /^a\.ts -> b\.ts -> c\.ts -> a\.ts: a cycle/,
  },
  { what: 'a barrel by name', rule: noBarrels, files: { 'proxy/index.ts': '' }, says: /re-exports/ },
  {
    what: 'a barrel by content',
    rule: noBarrels,
    files: { 'proxy/a.ts': "export { x } from './x.ts';" },
    says: /re-exports/,
  },
  {
    what: 'a package is handed on',
    rule: noBarrels,
    files: { 'proxy/a.ts': "export { x } from 'pkg';" },
    says: /re-exports/,
  },
  {
    what: 'all types of a package are handed on',
    rule: noBarrels,
    files: { 'proxy/a.ts': "export type * from 'pkg';" },
    says: /re-exports/,
  },
  {
    what: 'types of ours are handed on',
    rule: noBarrels,
    files: { 'proxy/a.ts': "export type { X } from './x.ts';" },
    says: /re-exports/,
  },
  { what: 'a long file', rule: smallFiles, files: { 'proxy/a.ts': '\n'.repeat(251) }, says: /251 lines/ },
  ...[
    'const home = process.env.HOME;',
    'const { env } = process;',
    "process['exit'](1);",
    "import { argv } from 'node:process';",
    'const t = Date.now();',
    'const t = new Date();',
    'const t = performance.now();',
    "process.on('SIGTERM', stop);",
  ].map((text) => ({
    what: text,
    rule: outsideWorld(/^proxy\/main\.ts$/),
    files: { 'proxy/a.ts': text },
    says: /only/,
  })),
];

for (const { what, rule, files, says } of breaches) {
  test(`seen: ${what}`, async (t) => {
    const found = rule(tree(files));
    t.equal(found.length, 1);
    t.match(found[0], says);
  });
}

test('what is allowed is not reported', async (t) => {
  const good = tree({
    'certs/a.ts': "import { x } from './b.ts';\nimport { readFileSync } from 'node:fs';",
    'policy/a.ts': "import type { SpiffeId } from '../certs/spiffe-id.ts';\n// import { x } from '../proxy/x.ts';",
    'proxy/filters/a.ts':
      "/* import './b.ts' */\nimport { isDenial } from '../denial.ts';\nimport type { Peer } from './identity.ts';",
    'proxy/main.ts': 'const { env } = process;',
    'policy/door.ts': "import { x } from 'pkg';\nexport type { A, B } from 'pkg';\nexport type {\n  C,\n} from 'pkg';",
    'test/a.ts': "import { x } from '../proxy/chain.ts';",
    'proxy/cli/bench-a.ts':
      "import type { X } from '../../bench/a.ts';\nconst { a } = await import('../../bench/a.ts');",
    'bench/scenario.ts': "import { t } from '../test/a.ts';",
  });
  for (const rule of [
    folders,
    benchIsLoadedOnDemand,
    productReachesNoTest,
    oneImporter({}),
    noCycles,
    noBarrels,
    smallFiles,
    outsideWorld(/^proxy\/main\.ts$/),
  ]) {
    t.same(rule(good), []);
  }
});
