import type { PolicyBundle } from '../../../policy/bundle/bundle.ts';
import { ProxyError } from '../../../proxy/errors.ts';
import type { Named } from '../same-answers.ts';
import { lackingOf } from './record-input.ts';

type Reads = Pick<PolicyBundle, 'inputPaths'>;

/** Throws ProxyError when the policy could tell an input that was made again from the one it was asked with. */
export function refuseLackingRecords({ inputPaths }: Reads): void {
  if (inputPaths === undefined) {
    throw new ProxyError(
      'bench-input-lacking',
      'nobody knows what this bundle reads of its input: whoever built it has not said so',
    );
  }
  const lacking = lackingOf(inputPaths);
  if (lacking.length === 0) return;
  throw new ProxyError('bench-input-lacking', `the policy reads ${listed(lacking)}, which is on no audit record`);
}

/**
 * An input with nothing of what the policy reads is decided by the defaults, and quickly: no figure of it would be one of this policy.
 * What may be missing now and then, such as a header, is only said when no input has it. Throws ProxyError.
 */
export function notesOnLacking({ inputPaths = [] }: Reads, inputs: readonly Named[]): readonly string[] {
  if (inputPaths.length === 0) return [];
  const blank = inputs.find(({ input }) => !inputPaths.some((path) => has(input, path)));
  if (blank !== undefined) {
    throw new ProxyError(
      'bench-input-lacking',
      `${blank.name} has nothing of what the policy reads: ${listed(inputPaths)}`,
    );
  }
  const absent = inputPaths.filter((path) => !inputs.some(({ input }) => has(input, path)));
  if (absent.length === 0) return [];
  return [`the policy reads ${listed(absent)}, which no input has: what it does with it was not measured`];
}

const listed = (paths: readonly (readonly string[])[]): string =>
  paths.map((path) => ['input', ...path].join('.')).join(', ');

function has(value: unknown, path: readonly string[]): boolean {
  const found = path.reduce<unknown>((at, name) => {
    return typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? Reflect.get(at, name) : undefined;
  }, value);
  return found !== undefined;
}
