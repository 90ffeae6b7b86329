import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { refusalOf } from './refused.ts';
import { builtinNames } from './registry.ts';

/** What OPA's compiler checks a policy against; https://www.openpolicyagent.org/docs/deployments#capabilities */
export type Capabilities = {
  readonly builtins: readonly Declaration[];
  readonly future_keywords: readonly string[];
  readonly features: readonly string[];
};

export type Declaration = { readonly name: string; readonly nondeterministic?: boolean };

/** These are OPA's compiler's own: no engine ever sees a call of them. */
const compiledAway: ReadonlySet<string> = new Set([
  'assign',
  'eq',
  'print',
  'rego.metadata.chain',
  'rego.metadata.rule',
]);

/** The first version whose evaluation takes one call. */
const wasmAbi = [{ version: 1, minor_version: 2 }];

/** Their time is the request's (`BuiltinContext.unixMs`). */
const timed: ReadonlySet<string> = new Set([
  'time.now_ns',
  'io.jwt.decode_verify',
  'crypto.x509.parse_and_verify_certificates',
  'crypto.x509.parse_and_verify_certificates_with_options',
]);

/** Whether a call of it gives another answer at another time of the request. */
export const readsTime = (name: string): boolean => timed.has(name);

/** Made by `npm run docs` with the compiler and the registry; it lies beside this folder, in an image too. */
const file = new URL('../capabilities.json', import.meta.url);
let kept: string | undefined;

/** For the compiler, and for `opa build --capabilities`. */
export function capabilitiesText(): string {
  kept ??= readFileSync(file, 'utf8');
  return kept;
}

/** Names what policies may use: `sha256:` and 64 hexadecimal digits. A bundle that was made for other ones may need more. */
export const capabilitiesDigest = (): string =>
  `sha256:${createHash('sha256').update(capabilitiesText()).digest('hex')}`;

/** Whether policies may call it. */
export const isOffered = (name: string): boolean =>
  (builtinNames.has(name) || compiledAway.has(name)) && refusalOf(name) === undefined;

/** Of everything that OPA has, what is offered here; one line for each built-in. */
export function offeredCapabilities({ builtins, future_keywords, features }: Capabilities): string {
  const offered = builtins.filter(({ name }) => isOffered(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const lines = offered.map((builtin) => JSON.stringify(builtin, withoutProse));
  const rest = { future_keywords, features, wasm_abi_versions: wasmAbi, allow_net: [] };
  const members = Object.entries(rest).map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
  return `{\n"builtins": [\n${lines.join(',\n')}\n],\n${members.join(',\n')}\n}\n`;
}

/** Descriptions change from release to release and mean nothing to the compiler. */
const withoutProse = (key: string, value: unknown): unknown =>
  key === 'description' || key === 'categories' || key === 'introduced' ? undefined : value;
