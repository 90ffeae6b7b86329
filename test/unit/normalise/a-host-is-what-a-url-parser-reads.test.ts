import fc from 'fast-check';
import { test } from 'tap';
import { readAuthority } from '../../../proxy/normalise/authority.ts';

const pieces = 'a b.c A - _ . .. 0 1 9 0x7f 127.0.0.1 : :80 :0 :65536 @ / \\ ? # [ ] [::1] :: %61 xn--a , ; " é'.split(
  ' ',
);
const hosts = fc.array(fc.constantFrom(...pieces), { maxLength: 6 }).map((parts) => parts.join(''));

void test('the WHATWG URL parser reads an accepted Host as it stands', (t) => {
  let count = 0;
  fc.assert(
    fc.property(hosts, (host) => {
      const authority = readAuthority([host], undefined);
      // Whether a label is valid punycode matters to those who show it; here it is letters.
      if (typeof authority !== 'string' || authority.includes('xn--')) return true;
      count += 1;
      const url = new URL(`http://${authority}/path`);
      return (
        authority === host.toLowerCase() &&
        // An IPv6 address may be spelt in many ways, all of which are taken; a URL parser gives one of them.
        (authority.startsWith('[') || [url.host, `${url.host}:80`].includes(authority)) &&
        url.username === '' &&
        url.pathname === '/path'
      );
    }),
    { numRuns: 20_000 },
  );
  t.ok(count > 500, `${count} of 20,000 were accepted`);
  t.end();
});

void test('an IPv6 address is taken in every spelling, which its reader resolves', (t) => {
  for (const host of ['[::1]', '[0:0:0:0:0:0:0:1]:443', '[2001:DB8::1]', '[::ffff:127.0.0.1]']) {
    t.equal(readAuthority([host], undefined), host.toLowerCase());
  }
  t.end();
});

void test('exactly one Host, and the TLS server name if there is one', (t) => {
  t.match(readAuthority([], undefined), { code: 'ambiguous-authority', detail: 'no Host' });
  t.match(readAuthority(['a', 'a'], undefined), { code: 'ambiguous-authority', detail: 'more than one Host' });
  t.equal(readAuthority(['A.example:8443'], 'a.example'), 'a.example:8443');
  t.match(readAuthority(['b.example'], 'a.example'), { code: 'misdirected-request' });
  t.match(readAuthority(['a b'], 'a b'), { code: 'ambiguous-authority' }, 'a bad Host is bad whatever the server name');
  t.end();
});
