import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** What OPA's compiler checks a policy against; https://www.openpolicyagent.org/docs/deployments#capabilities */
export type Capabilities = {
  readonly builtins: readonly Declaration[];
  readonly future_keywords: readonly string[];
  readonly features: readonly string[];
};

export type Declaration = { readonly name: string; readonly nondeterministic?: boolean };

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
