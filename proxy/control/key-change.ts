import { createHash } from 'node:crypto';
import { isJsonObject, own } from '../../policy/json/json-object.ts';
import { readStrictJson } from '../../policy/json/strict-json.ts';
import type { IssuerConfig } from '../config/config.ts';
import { jwksKey, type SnapshotData } from '../snapshot-data.ts';

type Keys = Pick<SnapshotData, 'config' | 'jwks'>;

const maxNamed = 10;

/** One line for each issuer whose keys are others than before. */
export function describeKeyChanges(before: Keys, after: Keys): readonly string[] {
  return after.config.issuers.flatMap((issuer) => {
    const old = before.config.issuers.find(({ name }) => name === issuer.name);
    const [then, now] = [old && before.jwks.get(jwksKey(old)), after.jwks.get(jwksKey(issuer))];
    return then === now ? [] : [`${issuer.name}: ${said(issuer, now)}`];
  });
}

function said({ keys }: IssuerConfig, text: string | undefined): string {
  if (text === undefined)
    return `no keys are there${keys.kind === 'url' ? ', or none that are believed any more' : ''}`;
  const kids = kidsOf(text);
  const named = kids.slice(0, maxNamed).join(', ');
  const more = kids.length > maxNamed ? ` and ${kids.length - maxNamed} more` : '';
  return `keys ${named}${more}; sha256 ${createHash('sha256').update(text).digest('hex')}`;
}

/** They were found good before; here they are only named. */
function kidsOf(text: string): readonly string[] {
  const reading = readStrictJson(Buffer.from(text), { maxDepth: 16 });
  const list = reading.ok && isJsonObject(reading.value) ? own(reading.value, 'keys') : undefined;
  const kids = Array.isArray(list) ? list.map((jwk: unknown) => (isJsonObject(jwk) ? own(jwk, 'kid') : undefined)) : [];
  return kids.map((kid) => (typeof kid === 'string' ? kid.replaceAll(/[^ -~]/g, '?') : '(without kid)'));
}
