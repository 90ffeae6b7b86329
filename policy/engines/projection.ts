import { jsonText } from '../value/text.ts';
import type { Value } from '../value/value.ts';

/** Input as JSON text, or the part of it that a policy can read. Throws for what JSON cannot say: a cycle, for one. */
export type Projection = (input: unknown) => string;

/** Of an object that is not needed whole: its members, each with the JSON text of its name and a colon. */
type Members = readonly (readonly [name: string, label: string, part: Part])[];

/** What is needed of a value: all of it, or members. */
type Part = Projection | Members;

/**
 * Makes the function that serialises only the given paths, which no policy with these paths can tell from everything:
 * what it reads is there, and where a path ends early (a member is missing, or is no object) it is undefined either way.
 * Undefined paths: everything.
 */
export function projection(
  paths: readonly (readonly string[])[] | undefined,
  whole: Projection = wholeText,
): Projection {
  if (paths === undefined) return whole;
  const part = partOf(paths, whole);
  return typeof part === 'function' ? part : (input) => membersText(part, input) ?? '{}';
}

function partOf(paths: readonly (readonly string[])[], whole: Projection): Part {
  if (paths.some((path) => path.length === 0)) return whole;
  const groups = Map.groupBy(paths, ([name]) => name as string);
  return [...groups].map(([name, group]) => [
    name,
    `${JSON.stringify(name)}:`,
    partOf(
      group.map((path) => path.slice(1)),
      whole,
    ),
  ]);
}

/** Undefined for what is no object: a path through it leads nowhere, as it does when there is nothing at all. */
function membersText(members: Members, value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const object = value as { readonly [name: string]: unknown };
  let text = '';
  for (const [name, label, part] of members) {
    // Own members only: `constructor` is not something that the request said.
    const member = Object.hasOwn(object, name) ? object[name] : undefined;
    if (member === undefined) continue;
    const memberText = typeof part === 'function' ? part(member) : membersText(part, member);
    if (memberText !== undefined) text += text === '' ? label + memberText : `,${label}${memberText}`;
  }
  return `{${text}}`;
}

/** All of a value. Integers beyond 2^53, which JSON.stringify refuses, with every digit. */
export function wholeText(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (thrown) {
    if (thrown instanceof TypeError && /BigInt/.test(thrown.message)) return jsonText(value as Value);
    throw thrown;
  }
}
