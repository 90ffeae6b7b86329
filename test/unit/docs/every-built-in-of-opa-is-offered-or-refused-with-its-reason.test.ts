import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { type Capabilities, capabilitiesText, readsTime } from '../../../policy/builtins/capabilities.ts';
import { refusalOf } from '../../../policy/builtins/refused.ts';
import { currentCapabilities, isOffered, knownBuiltins } from '../../../policy/compiler/capabilities.ts';

test('every built-in of OPA is offered, or refused with its reason, and none is both', async (t) => {
  const known = await knownBuiltins();
  t.ok(known.length > 200);
  t.same(
    known.filter((name) => isOffered(name) === (refusalOf(name) !== undefined)),
    [],
  );
});

test('policy/capabilities.json is what the compiler and the registry say (npm run docs)', async (t) => {
  const file = readFileSync(new URL('../../../policy/capabilities.json', import.meta.url), 'utf8');
  t.equal(file, await currentCapabilities());
});

test('of what OPA calls nondeterministic, little more is offered than what reads the time of the request', (t) => {
  const { builtins } = JSON.parse(capabilitiesText()) as Capabilities;
  const others = builtins.filter(({ name, nondeterministic }) => nondeterministic === true && !readsTime(name));
  // Signatures may be randomised; no schema is ever fetched from elsewhere.
  t.same(
    others.map(({ name }) => name),
    ['io.jwt.encode_sign', 'io.jwt.encode_sign_raw', 'json.match_schema', 'json.verify_schema'],
  );
  t.end();
});
