import { createHash } from 'node:crypto';
import { isJsonObject, own } from '../../policy/json/json-object.ts';
import { readStrictJson } from '../../policy/json/strict-json.ts';
import { jwksKey, jwtBundleKey, type SnapshotData } from '../snapshot-data.ts';

type Keys = Pick<SnapshotData, 'config' | 'jwks'>;

const maxNamed = 10;

/** One line for each issuer and each trust domain of callers whose keys are others than before. */
export function describeKeyChanges(before: Keys, after: Keys): readonly string[] {
  const then = keyTexts(before);
  return [...keyTexts(after)].flatMap(([name, text]) => (then.get(name) === text ? [] : [`${name}: ${said(text)}`]));
}

/** By name of the issuer, and by ID of the trust domain. */
function keyTexts({ config, jwks }: Keys): ReadonlyMap<string, string | undefined> {
  const issuers = config.issuers.map((issuer) => [issuer.name, jwks.get(jwksKey(issuer))] as const);
  const domains = config.loadBalancers?.jwtBundles ?? [];
  return new Map([
    ...issuers,
    ...domains.map((one) => [`spiffe://${one.trustDomain}`, jwks.get(jwtBundleKey(one))] as const),
  ]);
}

function said(text: string | undefined): string {
  if (text === undefined) return 'no keys are there, or none that are believed any more';
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
