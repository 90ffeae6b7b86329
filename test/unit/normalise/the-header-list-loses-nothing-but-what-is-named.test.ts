import fc from 'fast-check';
import { test } from 'tap';
import { normaliseHeaders, ownHeaders, withoutHopByHop } from '../../../proxy/normalise/headers.ts';

const identityHeaders = ['x-spiffe-id', 'x-forwarded-client-cert'];
const names = fc.constantFrom(
  ...'Host Accept accept X-A x-b X.C Cookie Authorization Connection TE Keep-Alive Trailer Expect X-Spiffe-Id'.split(
    ' ',
  ),
  ...'x.spiffe.id X~Spiffe~Id X-Forwarded-Client-Cert X-Forwarded-For Forwarded Proxy x_a Content-Length'.split(' '),
  ...'X-HTTP-Method-Override X.Http.Method.Override Content.Length constructor toString hasOwnProperty'.split(' '),
);
const values = fc.constantFrom(
  '',
  'a',
  'close',
  'X-A',
  'close, x-b',
  'x-spiffe-id',
  'host',
  'cookie',
  'spiffe://evil/a',
);
const lists = fc.array(fc.tuple(names, values), { maxLength: 8 }).map((pairs): readonly string[] => pairs.flat());

const pairsOf = (list: readonly string[]): string[] =>
  list.flatMap((name, index) => (index % 2 === 0 ? [`${name.toLowerCase()}: ${list[index + 1]}`] : []));

void test('what is kept is kept in its order, and nothing is made up', (t) => {
  fc.assert(
    fc.property(lists, (raw) => {
      const normalised = normaliseHeaders(raw, ownHeaders(identityHeaders));
      if ('code' in normalised) return true;
      const left = pairsOf(raw);
      return pairsOf(normalised.headers).every((pair) => {
        const found = left.indexOf(pair);
        left.splice(0, found + 1);
        return found !== -1;
      });
    }),
    { numRuns: 5000 },
  );
  t.end();
});

void test('no name that a workload could take for ours, for framing or for another request is kept', (t) => {
  const taken =
    /^(?:x-spiffe-id|x-forwarded-.*|forwarded|proxy|connection|te|keep-alive|trailer|expect|host|content-length)$/;
  let kept = 0;
  fc.assert(
    fc.property(lists, (raw) => {
      const normalised = normaliseHeaders(raw, ownHeaders(identityHeaders));
      if ('code' in normalised) return true;
      const folded = normalised.headers
        .filter((_, index) => index % 2 === 0)
        .map((name) => name.replaceAll(/[^a-z0-9]/g, '-'));
      kept += folded.length;
      return folded.every((name) => !taken.test(name) && !name.includes('override'));
    }),
    { numRuns: 5000 },
  );
  t.ok(kept > 500, `${kept} names were kept`);
  t.end();
});

void test('normalising twice is normalising once', (t) => {
  fc.assert(
    fc.property(lists, (raw) => {
      const once = normaliseHeaders(raw, ownHeaders(identityHeaders));
      if ('code' in once) return true;
      const twice = normaliseHeaders(once.headers, ownHeaders(identityHeaders));
      return !('code' in twice) && JSON.stringify(twice.headers) === JSON.stringify(once.headers);
    }),
    { numRuns: 5000 },
  );
  t.end();
});

void test('on the way back, fields of the connection and a foreign request id are dropped, the rest is kept', (t) => {
  const raw = [
    'Connection',
    'close, X-Hop',
    'x-hop',
    '1',
    'Keep-Alive',
    'a',
    'X-Portcullis-Id',
    'forged',
    'Set-Cookie',
    'a',
    'set-cookie',
    'b',
  ];
  t.same(withoutHopByHop(raw), ['set-cookie', 'a', 'set-cookie', 'b']);
  t.end();
});
