import { createHash } from 'node:crypto';
import { PolicyError } from '../errors.ts';

export type JsonObject = { readonly [name: string]: unknown };

/** A built-in of OPA that the policy calls, and where it is called first (empty when the place is not known). */
export type RequiredBuiltin = { readonly name: string; readonly where: string };

/**
 * A compiled policy: all that an engine needs, nothing that it must fetch. Plain data, so that it crosses to the data
 * threads by structured clone; `revision` names its content and goes into every audit record.
 */
export type PolicyBundle = {
  /** Empty where a bundle came without it; `openEngine` asks no engine for what is not there. */
  readonly wasm: Uint8Array<ArrayBuffer>;
  /** OPA's intermediate representation of the same rules, as JSON text; empty where a bundle came without it. */
  readonly plan: string;
  readonly data: JsonObject;
  /** For example `portcullis/authz/decision`. */
  readonly entrypoint: string;
  readonly requiredBuiltins: readonly RequiredBuiltin[];
  /** The parts of the input that the entrypoint can read, as names from the top; undefined where nobody knows: all. */
  readonly inputPaths?: readonly (readonly string[])[] | undefined;
  /** What whoever made the bundle calls this version: `revision` of its manifest. */
  readonly name?: string | undefined;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly revision: string;
};

/** Freezes a bundle and names its content. Does not judge it: engines do, when they load it. */
export function makeBundle(parts: Omit<PolicyBundle, 'revision'>): PolicyBundle {
  return Object.freeze({
    ...parts,
    data: deepFreeze(parts.data),
    requiredBuiltins: deepFreeze(parts.requiredBuiltins),
    inputPaths: parts.inputPaths === undefined ? undefined : deepFreeze(parts.inputPaths),
    revision: revisionOf(parts),
  });
}

/** For a bundle that came from somewhere else: throws PolicyError when it is not the one its revision names. */
export function verifyBundle(bundle: PolicyBundle): void {
  const actual = revisionOf(bundle);
  if (actual !== bundle.revision) {
    throw new PolicyError('bundle-corrupt', `the policy says it is ${bundle.revision} but its content is ${actual}`);
  }
}

/** Built-ins and input paths are left out: they follow from the plan. The name is left out: it is not what decides. */
function revisionOf({ wasm, plan, data, entrypoint }: Omit<PolicyBundle, 'revision'>): string {
  return `sha256:${digestOf([entrypoint, wasm, plan, JSON.stringify(data)])}`;
}

/** Hashes each part behind its length, so that no two lists of parts run together to the same bytes. */
export function digestOf(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part, 'utf8') : part;
    hash.update(`${bytes.byteLength}:`).update(bytes);
  }
  return hash.digest('hex');
}

/** Iterative: data may be nested deeper than the stack. */
export function deepFreeze<T extends object>(root: T): T {
  const open: object[] = [root];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    Object.freeze(value);
    for (const child of Object.values(value) as unknown[]) {
      if (typeof child === 'object' && child !== null && !Object.isFrozen(child)) open.push(child);
    }
  }
  return root;
}
