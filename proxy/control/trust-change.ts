import { parseDenylist } from '../../certs/denylist.ts';
import { revokedSerials } from '../../certs/crl.ts';
import { listsKey, readTrustBundle, type TrustBundle } from '../../certs/trust-bundle.ts';
import type { SnapshotData } from '../snapshot-data.ts';

export type TrustParts = Pick<SnapshotData, 'trust' | 'denylist' | 'lists'>;

export function sameTrust(one: TrustParts, other: TrustParts): boolean {
  const key = ({ trust, denylist, lists }: TrustParts) => JSON.stringify([trust, denylist, lists.map(listsKey)]);
  return key(one) === key(other);
}

/** What a change of trust takes away, in words: the record of a revocation is to say whose it was, and by what. */
export function describeTrustChange(before: TrustParts, after: TrustParts): string | undefined {
  const read = ({ trust, lists }: TrustParts) => readTrustBundle(trust, undefined, lists);
  const [old, now] = [read(before), read(after)];
  const changes = [
    summary('newly revoked', added(revoked(old), revoked(now))),
    summary('revocation lists replaced', added(listed(before), listed(after))),
    summary('roots removed', added(roots(now), roots(old))),
    summary('roots added', added(roots(old), roots(now))),
    summary('newly on the denylist', added(denied(before), denied(after))),
    summary('no longer on the denylist', added(denied(after), denied(before))),
  ];
  const said = changes.filter((change) => change !== undefined);
  return said.length === 0 ? undefined : said.join('; ');
}

const maxNamed = 10;

function summary(what: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const more = names.length > maxNamed ? ` and ${names.length - maxNamed} more` : '';
  return `${what}: ${names.slice(0, maxNamed).join(', ')}${more}`;
}

function added(before: readonly string[], after: readonly string[]): readonly string[] {
  const already = new Set(before);
  return after.filter((name) => !already.has(name));
}

function revoked({ domains }: TrustBundle): readonly string[] {
  return [...domains.values()].flatMap(({ crls }) => crls.flatMap(revokedSerials));
}

function roots({ domains }: TrustBundle): readonly string[] {
  return [...domains.values()].flatMap((domain) =>
    domain.roots.map(({ subject, fingerprintSha256 }) => `${subject} (${fingerprintSha256})`),
  );
}

function listed({ lists }: TrustParts): readonly string[] {
  return lists.map(({ source, crls }) => {
    const said = crls?.map(
      ({ thisUpdateMs, sha256 }) => `of ${new Date(thisUpdateMs).toISOString()}, sha256 ${sha256}`,
    );
    return `${source} (${said?.join(' and ') ?? 'not there yet'})`;
  });
}

function denied({ denylist }: TrustParts): readonly string[] {
  return denylist === undefined ? [] : parseDenylist(denylist.text).entries.map(({ kind, key }) => `${kind} ${key}`);
}
