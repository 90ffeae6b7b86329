import { BuiltinError } from '../builtin.ts';
import { contextTag, type Der, tags, wanted } from './der.ts';
import { generalName, isDomain } from './general-names.ts';
import { ia5 } from './text.ts';

/** RFC 5280 section 4.2.1.10. */
export type Subtrees = {
  readonly dns: readonly string[];
  readonly emails: readonly string[];
  readonly ips: readonly { readonly ip: Buffer; readonly mask: Buffer }[];
  readonly uris: readonly string[];
  /** Whether there are subtrees of names of other kinds. */
  readonly hasOthers: boolean;
};

export type NameConstraints = { readonly permitted: Subtrees; readonly excluded: Subtrees };

const permittedTag = contextTag(0, true);
const excludedTag = contextTag(1, true);

/** Throws BuiltinError. */
export function nameConstraintsOf(extension: Der): NameConstraints {
  const parts = wanted(extension, tags.sequence, 'name constraints').children;
  const order = parts.map(({ tag }) => tag).join();
  const isKnown = [`${permittedTag}`, `${excludedTag}`, `${permittedTag},${excludedTag}`].includes(order);
  if (!isKnown || parts.every(({ content }) => content.length === 0))
    throw new BuiltinError('malformed name constraints');
  const subtreesOf = (tag: number) => readSubtrees(parts.find((part) => part.tag === tag)?.children ?? []);
  return { permitted: subtreesOf(permittedTag), excluded: subtreesOf(excludedTag) };
}

function readSubtrees(subtrees: readonly Der[]): Subtrees {
  const bases = subtrees.map((subtree) => {
    const [base] = wanted(subtree, tags.sequence, 'name constraints').children;
    if (base === undefined) throw new BuiltinError('malformed name constraints');
    return base;
  });
  const contents = (tag: number): Buffer[] => bases.filter((base) => base.tag === tag).map(({ content }) => content);
  return {
    dns: contents(generalName.dns).map(domainConstraint),
    emails: contents(generalName.email).map(emailConstraint),
    ips: contents(generalName.ip).map(network),
    uris: contents(generalName.uri).map(domainConstraint),
    hasOthers: bases.some(({ tag }) => !(Object.values(generalName) as number[]).includes(tag)),
  };
}

/** A domain, or one behind a dot: those below it, and not itself. */
function domainConstraint(content: Buffer): string {
  const domain = ia5(content);
  if (!isDomain(domain.replace(/^\.(?=.)/, ''))) throw new BuiltinError('malformed name constraint');
  return domain;
}

function emailConstraint(content: Buffer): string {
  const text = ia5(content);
  return text.includes('@') ? text : domainConstraint(content);
}

function network(content: Buffer): { readonly ip: Buffer; readonly mask: Buffer } {
  if (content.length !== 8 && content.length !== 32) throw new BuiltinError('malformed name constraint');
  const half = content.length / 2;
  const [ip, mask] = [content.subarray(0, half), content.subarray(half)];
  const bits = [...mask].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  if (!/^1*0*$/.test(bits)) throw new BuiltinError('malformed name constraint');
  return { ip, mask };
}
