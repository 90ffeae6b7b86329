import { test } from 'tap';
import { readRequestHead } from '../../../proxy/http2/request-head.ts';

const pseudo = [':method', 'GET', ':scheme', 'https', ':authority', 'a.example', ':path', '/a'];
const read = (fields: readonly string[], endStream = true) => readRequestHead({ kind: 'fields', fields }, endStream);
const headersOf = (...fields: readonly string[]) => {
  const { head } = read([...pseudo, ...fields]);
  return 'code' in head ? head.code : head.headers;
};
const without = (name: string) => pseudo.filter((_, index) => pseudo[index - (index % 2)] !== name);

void test('the authority is the Host, in the first place, once', (t) => {
  t.same(read(pseudo), {
    head: {
      method: 'GET',
      target: '/a',
      headers: ['host', 'a.example'],
      declaredBytes: undefined,
      expectsContinue: false,
    },
    line: { method: 'GET', target: '/a' },
  });
  t.same(headersOf('host', 'a.example', 'b', 'c'), ['host', 'a.example', 'b', 'c']);
  t.same(
    headersOf('b', 'c', 'host', 'other'),
    ['host', 'a.example', 'b', 'c', 'host', 'other'],
    'two, as two Hosts are',
  );
  t.match(read([...without(':authority'), 'host', 'b.example']), { head: { headers: ['host', 'b.example'] } });
  t.end();
});

void test('cookies that came in crumbs are one line where the first stood', (t) => {
  t.same(headersOf('cookie', 'a=b', 'x', 'y', 'cookie', 'c=d', 'cookie', 'e=f'), [
    'host',
    'a.example',
    'cookie',
    'a=b; c=d; e=f',
    'x',
    'y',
  ]);
  t.same(headersOf('cookie', 'a=b'), ['host', 'a.example', 'cookie', 'a=b']);
  t.end();
});

void test('every character of a name and of a value is taken or refused as RFC 9113 has it', (t) => {
  const taken = (fields: (character: string) => readonly string[]) =>
    Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
      .filter((character) => headersOf(...fields(character)) !== 'malformed-header')
      .join('');
  const names = "!#$%&'*+-.0123456789^_`abcdefghijklmnopqrstuvwxyz|~";
  const visible = Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index)).join('');
  t.equal(
    taken((character) => [`x${character}`, 'a']),
    names,
  );
  t.equal(
    taken((character) => ['x', `a${character}b`]),
    `\t ${visible}`,
  );
  t.equal(
    taken((character) => ['x', `${character}b`]),
    visible,
    'no space at the beginning',
  );
  t.equal(
    taken((character) => ['x', `a${character}`]),
    visible,
    'nor at the end',
  );
  t.same(headersOf('x', ''), ['host', 'a.example', 'x', '']);
  t.end();
});

void test('what a length says of a body has to be so', (t) => {
  const code = (length: readonly string[], endStream: boolean) => {
    const { head } = read([...pseudo, ...length.flatMap((value) => ['content-length', value])], endStream);
    return 'code' in head ? head.code : head.declaredBytes;
  };
  t.equal(code(['5'], false), 5);
  t.equal(code(['0'], true), 0);
  t.equal(code([], true), undefined);
  t.equal(code(['5'], true), 'ambiguous-framing');
  for (const bad of [['05'], ['+5'], [''], ['5, 5'], ['5', '5'], ['5', '6'], ['9999999999999999']]) {
    t.equal(code(bad, false), 'ambiguous-framing', bad.join(' and '));
  }
  t.end();
});

void test('of what is refused the line is there as far as it can be trusted', (t) => {
  t.match(read([...pseudo, 'X', 'a']), { head: { code: 'malformed-header' }, line: { method: 'GET', target: '/a' } });
  t.same(read(['X', 'a', ...pseudo]).line, undefined);
  t.match(readRequestHead({ kind: 'too-large', fields: pseudo }, true), {
    head: { code: 'head-too-large' },
    line: { method: 'GET', target: '/a' },
  });
  for (const name of [':method', ':scheme', ':path']) {
    t.match(read(without(name)).head, { code: 'malformed-header' }, `without ${name}`);
  }
  t.end();
});
