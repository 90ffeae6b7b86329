import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { call } from './call.ts';

const parse = (text: string) => call('uuid.parse', text);

test('a UUID of time says when and where, to the nanosecond', async (t) => {
  // RFC 9562, A.1: 22 February 2022, 19:22:22 UTC.
  t.same(parse('C232AB00-9414-11EC-B3C8-9F6BDECED846'), {
    version: 1,
    variant: 'RFC4122',
    time: 1_645_557_742_000_000_000n,
    nodeid: '9f-6b-de-ce-d8-46',
    macvariables: 'local:multicast',
    clocksequence: 0x33c8,
  });
  t.match(parse('000003e8-9414-21ec-8001-9c6bdeced846'), {
    id: 1_000,
    domain: 'Group',
    macvariables: 'global:unicast',
  });
});

test('all others say their version and variant only', async (t) => {
  const text = '919108f7-52d1-4320-9bac-f847db4148a8';
  const same = { version: 4, variant: 'RFC4122' };
  for (const form of [text, text.toUpperCase(), `urn:uuid:${text}`, `{${text}}`, text.replaceAll('-', '')]) {
    t.same(parse(form), same, form);
  }
  t.same(parse('ffffffff-ffff-ffff-ffff-ffffffffffff'), { version: 15, variant: 'Future' });
});

test('what is no UUID is undefined, and what is no string an error', async (t) => {
  const text = '919108f7-52d1-4320-9bac-f847db4148a8';
  for (const wrong of [
    '',
    text.slice(1),
    `${text}0`,
    text.replace('9', 'g'),
    `\u00e9${text}}`,
    `${text}\n`,
    `urn:uuix:${text}`,
  ]) {
    t.equal(parse(wrong), undefined, wrong);
  }
  t.throws(() => call('uuid.parse', 1), BuiltinError);
});
