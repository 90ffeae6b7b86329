import { test } from 'tap';
import { readSources } from './imports.ts';
import {
  benchIsLoadedOnDemand,
  folders,
  loadedOnDemand,
  noBarrels,
  noCycles,
  oneImporter,
  outsideWorld,
  productReachesNoTest,
  smallFiles,
} from './rules.ts';

const root = new URL('../..', import.meta.url).pathname;
const product = readSources(root, ['certs', 'policy', 'proxy']);
/** What users get: the benchmark too. */
const shipped = [...product, ...readSources(root, ['bench'])];
const everything = [...shipped, ...readSources(root, ['test'])];

const owners = {
  // Certificates are judged without anything of policy, and policies read them without anything of a handshake.
  asn1js: /^(certs|policy\/builtins\/x509)\/der\.ts$/,
  ajv: /^policy\/schema(\.ts$|\/)/,
  // The generated code imports it, and the one door beside it.
  '@bufbuild/protobuf': /^certs\/workload-api\/proto\//,
  // The benchmark asks OPA; of the Workload API there is a client, and a server that need not be loaded with it.
  '@grpc/grpc-js': /^(bench\/peers\/opa-grpc|certs\/sources\/workload-api\/connect|certs\/workload-api\/listen)\.ts$/,
  // Tokens of users are verified where nobody knows of a CA, and JWT-SVIDs where nobody knows of users.
  jose: /^(proxy\/user\/signature|certs\/jwt-svid)\.ts$/,
  // What is fetched is asked for once, and issuers about each token; a peer of the benchmarks is made of it.
  undici: /^(proxy\/fetch\/(download|post-form)|bench\/peers\/plain-node\/proxy)\.ts$/,
  // OPA's own SDK is what the benchmark measures next to our use of it.
  '@open-policy-agent/opa-wasm': /^(policy\/engines\/wasm|bench\/policy\/stock-sdk)\.ts$/,
};

/** Programs of their own, beside proxy/main.ts (the compiler's child process, the demo), and the one source of clocks. */
const programs = /^(proxy\/(main\.ts$|clock\.ts$|cli\/|demo\/)|policy\/compiler\/child\.ts$)/;

test('the tree is read at all', async (t) => {
  t.ok(product.length > 20);
  t.ok(product.some(({ path, imports }) => path === 'proxy/chain.ts' && imports[0]?.target === 'proxy/denial.ts'));
});

test('folders depend in one direction', async (t) => t.same(folders(everything), []));
test('the benchmark is loaded by its own commands only, when they run', async (t) =>
  t.same(benchIsLoadedOnDemand(everything), []));
test('what few need is loaded by who asks for it', async (t) => {
  // An import of `node:http` loads Node's undici: see proxy/node-http.ts.
  const entries = ['proxy/cli/run.ts', 'proxy/control/start.ts', 'proxy/cli/probe.ts', 'proxy/data/thread.ts'];
  const packages = ['@grpc/grpc-js', '@bufbuild/protobuf', '@peculiar/x509', 'node:http'];
  const rule = loadedOnDemand(entries, packages);
  t.same(rule(everything), []);
});
test('what the command `bench` runs needs no test', async (t) => t.same(productReachesNoTest(everything), []));
test('each package has one importing file', async (t) => t.same(oneImporter(owners)(shipped), []));
test('no module depends on itself', async (t) => t.same(noCycles(everything), []));
test('no file only re-exports', async (t) => t.same(noBarrels(shipped), []));
test('files are short enough to be read at once', async (t) => t.same(smallFiles(shipped), []));
test('only the outermost files touch the process and the clock', async (t) =>
  t.same(outsideWorld(programs)(product), []));
