/** In which way a peer did not make of a message what we make of it, the gravest first. */
export type Difference = 'refused' | 'other line' | 'other body' | 'other end' | 'less fields' | 'more fields';

/** Something that we accept and a peer refuses or passes on otherwise. */
export type PeerRule = {
  readonly name: string;
  readonly why: string;
  readonly when: (bytes: Buffer, difference: Difference) => boolean;
};

/** But for interim answers, none is for another line, body or end: with these the two would have read different messages. */
export const peerDifferences: readonly PeerRule[] = [
  {
    name: 'tab around a value',
    why: 'RFC 9110 5.5: it is no part of the value; nginx takes spaces alone for that, and undici leaves a tab behind it',
    when: (bytes, difference) =>
      /^(refused|less fields)$/.test(difference) && /:[ ]*\t|\t[ \t]*\r\n/.test(bytes.toString('latin1')),
  },
  {
    name: 'field name',
    why: 'every token is a name (RFC 9110 5.1); nginx drops silently what has other characters than letters, digits and hyphens',
    when: (bytes, difference) =>
      difference === 'less fields' && /\r\n[A-Za-z0-9-]*[!#$%&'*+.^`|~][^\r\n:]*:/.test(bytes.toString('latin1')),
  },
  {
    name: 'method',
    why: 'every token is a method (RFC 9110 9.1), and the router refuses what no route names; nginx knows upper case alone, and no TRACE',
    when: (bytes, difference) =>
      difference === 'refused' && /^(TRACE|[^ ]*[^A-Z_ -][^ ]*) \//.test(bytes.toString('latin1')),
  },
  {
    name: 'interim answer',
    why: 'RFC 9110 15.2: the final answer follows, so here it is read and dropped; nginx 1.22 takes a 103 for the final answer and passes that on',
    when: (bytes, difference) =>
      difference !== 'more fields' && /^HTTP\/1\.1 1[0-9][0-9]/.test(bytes.toString('latin1')),
  },
  {
    name: "size of an answer's head",
    why: 'nginx reads it into one page of 4 KiB, and adds fields of its own; here 16 KiB and 256 fields are the bound',
    when: (bytes, difference) =>
      difference === 'refused' && bytes.length > 1000 && bytes.toString('latin1', 0, 5) === 'HTTP/',
  },
  {
    name: 'fields that go no further',
    why: 'those of one connection (RFC 9110 7.6.1), what Connection names, and where a request came from, which only the proxy may say; nginx passes them on',
    when: (_, difference) => difference === 'more fields',
  },
];

export function peerRuleOf(bytes: Buffer, difference: Difference): string | undefined {
  return peerDifferences.find(({ when }) => when(bytes, difference))?.name;
}
