import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import type { Value } from '../../../policy/value/value.ts';
import { call } from './call.ts';

test('the parts of a URI are what Go says, not what a browser would make of it', async (t) => {
  const cases: readonly (readonly [string, Value])[] = [
    [
      'HTTPS://user:pw@Example.com:8443/a%20b/../c?x=1&y#top',
      {
        scheme: 'https',
        hostname: 'Example.com',
        port: '8443',
        path: '/a b/../c',
        raw_path: '/a b/../c',
        raw_query: 'x=1&y',
        fragment: 'top',
      },
    ],
    ['http://h/a%2Fb', { scheme: 'http', hostname: 'h', path: '/a/b', raw_path: '/a%2Fb' }],
    ['http://[fe80::1%25eth0]:80/', { scheme: 'http', hostname: 'fe80::1%eth0', port: '80', path: '/', raw_path: '/' }],
    ['mailto:a@b', { scheme: 'mailto' }],
    ['//host/p', { hostname: 'host', path: '/p', raw_path: '/p' }],
    ['///p', { path: '///p', raw_path: '///p' }],
  ];
  for (const [uri, parts] of cases) {
    t.same(call('uri.parse', uri), parts, uri);
    t.equal(call('uri.is_valid', uri), true, uri);
  }
});

test('what two readers could take for different hosts is refused', async (t) => {
  for (const uri of [
    'http://good.com\\@evil.com/',
    'http://a b/',
    'http://h:80x/',
    'http://a:1:2/',
    'http://[::1/',
    'http://x[::1]/',
    'http://[1.2.3.4]/',
    'http://%41/',
    'http://h/%zz',
    ':b/c',
    '1:2',
    'http://h/\n',
    'http://h/\u007f',
  ]) {
    t.throws(() => call('uri.parse', uri), BuiltinError, uri);
    t.equal(call('uri.is_valid', uri), false, uri);
  }
  t.equal(call('uri.is_valid', ''), false);
  t.equal(call('uri.is_valid', 1), false);
});

test('a query is read without what readers dispute, and written so that it is read back', async (t) => {
  t.same(call('urlquery.decode_object', 'a=1&b=%26+x&a=2&c&=d'), { a: ['1', '2'], b: ['& x'], c: [''], '': ['d'] });
  t.throws(() => call('urlquery.decode_object', 'a=1;b=2'), BuiltinError);
  t.throws(() => call('urlquery.decode_object', 'a=%'), BuiltinError);
  t.throws(() => call('urlquery.decode_object', 'a&'.repeat(10_000)), BuiltinError);
  t.equal(call('urlquery.encode_object', { b: ['2', '1'], a: '& x' }), 'a=%26+x&b=2&b=1');
  t.throws(() => call('urlquery.encode_object', { a: 1 }), BuiltinError);
});

test('__proto__ is a parameter like any other', async (t) => {
  const read = call('urlquery.decode_object', '__proto__=a&constructor=b&__proto__=c') as {
    readonly [name: string]: Value;
  };
  t.same(Object.entries(read), [
    ['__proto__', ['a', 'c']],
    ['constructor', ['b']],
  ]);
  t.equal(call('urlquery.encode_object', read), '__proto__=a&__proto__=c&constructor=b');
});
