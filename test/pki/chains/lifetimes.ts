import { hourMs } from '../authority.ts';
import { keysOf } from '../keys.ts';
import { authority } from '../raw-certificate.ts';
import * as der from '../der.ts';
import { badIssuer, badLeaf, behindLeaf, type ClientChain, unreadable, type Verdict, type World } from './chain.ts';

const clause = 'RFC 5280 4.1.2.5';

const ending = (rule: string, verdict: Verdict, notAfter: (world: World) => Buffer) =>
  badLeaf({ rule, clause, verdict }, (world) => ({ notAfter: notAfter(world) }));

/** `20260102030405Z` of an hour from now, as another form of time. */
const later = ({ nowMs }: World, hours = 1) => der.compact(nowMs + hours * hourMs);

export const lifetimeChains: readonly ClientChain[] = [
  ending('expired two seconds ago', 'expired', ({ nowMs }) => der.time(nowMs - 2000)),
  ending('expired in 1950', 'expired', () => der.utcTime('500101000000Z')),
  badLeaf({ rule: 'valid from an hour from now', clause, verdict: 'not-yet-valid' }, ({ nowMs }) => ({
    notBefore: der.time(nowMs + hourMs),
    notAfter: der.time(nowMs + 2 * hourMs),
  })),
  badLeaf({ rule: 'notAfter before notBefore, now between them', clause, verdict: 'expired' }, ({ nowMs }) => ({
    notBefore: der.time(nowMs + hourMs),
    notAfter: der.time(nowMs - hourMs),
  })),
  badLeaf({ rule: 'notAfter before notBefore, both past', clause, verdict: 'expired' }, ({ nowMs }) => ({
    notBefore: der.time(nowMs - hourMs),
    notAfter: der.time(nowMs - 2 * hourMs),
  })),
  badIssuer({ rule: 'an expired issuer', clause: 'RFC 5280 6.1.3 (a)(2)', verdict: 'expired' }, ({ nowMs }) => ({
    notAfter: der.time(nowMs - 2000),
  })),
  badIssuer(
    { rule: 'an issuer that is not valid yet', clause: 'RFC 5280 6.1.3 (a)(2)', verdict: 'not-yet-valid' },
    ({ nowMs }) => ({
      notBefore: der.time(nowMs + hourMs / 2),
    }),
  ),
  behindLeaf({ rule: 'an expired root', clause: 'RFC 5280 6.1', verdict: 'expired' }, (world) => {
    const notAfter = der.time(world.nowMs - 2000);
    const root = authority('expired root', keysOf('P-256', 6), world.nowMs, undefined, { notAfter });
    return { issuer: root, behind: [], roots: [root.der] };
  }),
  ending('a month of 13', 'malformed-certificate', () => der.utcTime('281301000000Z')),
  ending('the 30th of February', 'malformed-certificate', () => der.utcTime('280230000000Z')),
  ending('an hour of 24', 'malformed-certificate', () => der.utcTime('280101240000Z')),
  unreadable(
    ending('UTCTime without seconds', 'malformed-certificate', (world) => der.utcTime(`${later(world).slice(2, 12)}Z`)),
  ),
  unreadable(ending('UTCTime without Z', 'malformed-certificate', (world) => der.utcTime(later(world).slice(2, 14)))),
  ending('UTCTime with an offset', 'malformed-certificate', (world) =>
    der.utcTime(`${later(world).slice(2, 14)}+0100`),
  ),
  ending('GeneralizedTime with a fraction', 'malformed-certificate', (world) =>
    der.generalizedTime(`${later(world).slice(0, 14)}.5Z`),
  ),
  unreadable(
    ending('GeneralizedTime without Z', 'malformed-certificate', (world) =>
      der.generalizedTime(later(world).slice(0, 14)),
    ),
  ),
  ending('GeneralizedTime with an offset', 'malformed-certificate', (world) =>
    der.generalizedTime(`${later(world).slice(0, 14)}-0100`),
  ),
  ending('GeneralizedTime before 2050', 'malformed-certificate', (world) => der.generalizedTime(later(world))),
  unreadable(ending('a time that is text', 'malformed-certificate', (world) => der.utf8(later(world)))),
  unreadable(ending('an empty time', 'malformed-certificate', () => der.utcTime(''))),
  badLeaf(
    { rule: 'a notBefore with an offset', clause, verdict: 'malformed-certificate' },
    {
      notBefore: der.utcTime('2001010000+0100'),
    },
  ),
  ending('the last second of 9999', 'served', () => der.generalizedTime('99991231235959Z')),
  ending('the end of 2049', 'served', () => der.utcTime('491231235959Z')),
  ending('a leaf that outlives its issuer', 'served', (world) => der.time(world.nowMs + 48 * hourMs)),
];
