import { jsonText } from '../value/text.ts';
import type { Value } from '../value/value.ts';

/** Input as JSON text, or the part of it that a policy can read. Throws for what JSON cannot say: a cycle, for one. */
export type Projection = (input: unknown) => string;

/** Undefined for what JSON has no text of, a function for one. */
type PartText = (part: unknown) => string | undefined;

/** What is needed of a value: all of it, or of an object these members. */
export type Part<Label> = 'whole' | readonly Member<Label>[];
type Member<Label> = { readonly name: string; readonly label: Label; readonly part: Part<Label> };

/**
 * Makes the function that serialises only the given paths, which no policy with these paths can tell from everything:
 * what it reads is there, and where a path ends early (a member is missing, or is no object) it is undefined either way.
 * Undefined paths: everything.
 */
export function projection(paths: readonly (readonly string[])[] | undefined, whole: PartText = wholeText): Projection {
  const part = partOf(paths, labelOf);
  return (input) => (part === 'whole' ? whole(input) : membersText(part, input, whole)) ?? '{}';
}

/** The JSON text of a name, and a colon. */
export const labelOf = (name: string): string => `${JSON.stringify(name)}:`;

export function partOf<Label>(
  paths: readonly (readonly string[])[] | undefined,
  label: (name: string) => Label,
): Part<Label> {
  if (paths === undefined || paths.some((path) => path.length === 0)) return 'whole';
  const groups = Map.groupBy(paths, ([name]) => name as string);
  return [...groups].map(([name, group]) => {
    const below = group.map((path) => path.slice(1));
    return { name, label: label(name), part: partOf(below, label) };
  });
}

/** Undefined for what is no object: a path through it leads nowhere, as it does when there is nothing at all. */
function membersText(members: readonly Member<string>[], value: unknown, whole: PartText): string | undefined {
  if (!hasMembers(value)) return undefined;
  let text = '';
  for (const { name, label, part } of members) {
    const member = ownMember(value, name);
    if (member === undefined) continue;
    const memberText = part === 'whole' ? whole(member) : membersText(part, member, whole);
    if (memberText !== undefined) text += text === '' ? label + memberText : `,${label}${memberText}`;
  }
  return `{${text}}`;
}

type WithMembers = { readonly [name: string]: unknown };

export const hasMembers = (value: unknown): value is WithMembers =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `constructor` is not something that the request said. */
export const ownMember = (object: WithMembers, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined;

/** All of a value. Integers beyond 2^53, which JSON.stringify refuses, with every digit. */
export function wholeText(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (thrown) {
    if (thrown instanceof TypeError && /BigInt/.test(thrown.message)) return jsonText(value as Value);
    throw thrown;
  }
}
