import type { RequiredBuiltin } from '../bundle/bundle.ts';
import { PolicyError } from '../errors.ts';

/**
 * Built-ins that no engine will ever offer, each with its reason: they would make a decision depend on something other
 * than its input, wait for the network, or show the policy what it has no business to see. `io.jwt.encode_sign` is offered,
 * and refuses PS* and ES* itself (jwt/algorithm.ts).
 */
const refused: ReadonlyMap<string, string> = new Map([
  ['http.send', 'it asks the network during a decision'],
  ['net.lookup_ip_addr', 'it asks the name service during a decision'],
  ['opa.runtime', "it shows the process's environment to the policy"],
  ['rand.intn', 'it makes a decision depend on chance'],
  ['uuid.rfc4122', 'it makes a decision depend on chance'],
  ['rego.parse_module', 'it belongs into the build, not into a decision'],
  ['trace', 'it writes to a trace that nobody reads'],
  ['internal.test_case', 'OPA writes it into tests, which run in OPA'],
]);

export const refusedNames: readonly string[] = [...refused.keys()];

/** A sentence when the built-in is refused on purpose; undefined says nothing about whether an engine has it. */
export function refusalOf(builtin: string): string | undefined {
  const reason = refused.get(builtin);
  return reason === undefined ? undefined : `the built-in ${builtin} is refused: ${reason}`;
}

/** Throws PolicyError naming every built-in that is refused on purpose, and where it is called. */
export function refuseImpure(required: readonly RequiredBuiltin[]): void {
  throwIfAny(required.flatMap(({ name, where }) => located(where, refusalOf(name))));
}

/** Throws PolicyError naming every built-in of `needed` that is not among those `offered`. */
export function refuseMissing(
  needed: readonly string[],
  offered: (name: string) => boolean,
  required: readonly RequiredBuiltin[],
): void {
  const missing = needed.filter((name) => !offered(name));
  throwIfAny(
    missing.flatMap((name) => {
      const where = required.find((candidate) => candidate.name === name)?.where ?? '';
      return located(where, refusalOf(name) ?? `the built-in ${name} is not offered by this engine`);
    }),
  );
}

const computesCryptography = /^(?:crypto\.|io\.jwt\.|providers\.aws\.sign_)/;

/**
 * Throws PolicyError naming every built-in that computes digests or signatures. Some of their algorithms are not approved, and
 * parts of them (certificates, keys) are read outside the cryptographic module.
 */
export function refuseCryptography(required: readonly RequiredBuiltin[]): void {
  const found = required.filter(({ name }) => computesCryptography.test(name));
  throwIfAny(
    found.flatMap(({ name, where }) =>
      located(where, `the built-in ${name} is refused: \`profile: fips\` does not allow it`),
    ),
  );
}

function located(where: string, problem: string | undefined): string[] {
  if (problem === undefined) return [];
  return [where === '' ? problem : `${where}: ${problem}`];
}

function throwIfAny(problems: readonly string[]): void {
  if (problems.length > 0) throw new PolicyError('builtin-refused', problems.join('\n'));
}
