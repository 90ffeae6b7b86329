import { test } from 'tap';
import { parseTemplate, templateKey } from '../../../proxy/config/route-template.ts';
import { ProxyError } from '../../../proxy/errors.ts';

test('literals, parameters and a rest become segments', (t) => {
  t.strictSame(parseTemplate('/'), []);
  t.strictSame(parseTemplate('/orders/{id}/lines/{rest...}'), [
    { kind: 'literal', text: 'orders' },
    { kind: 'parameter', name: 'id' },
    { kind: 'literal', text: 'lines' },
    { kind: 'rest', name: 'rest' },
  ]);
  t.strictSame(parseTemplate("/a-._~!$&'()*+,=:@%C3%A9"), [{ kind: 'literal', text: "a-._~!$&'()*+,=:@%C3%A9" }]);
  t.end();
});

test('what could never match, or matches who knows what, is refused', (t) => {
  const refused: Readonly<Record<string, RegExp>> = {
    '': /must begin/,
    orders: /must begin/,
    '//': /empty segment/,
    '/orders/': /empty segment/,
    '/a//b': /empty segment/,
    '/a/../b': /dot segments/,
    '/./b': /dot segments/,
    '/a;v=1': /characters/,
    '/a?b': /characters/,
    '/a#b': /characters/,
    '/a b': /characters/,
    '/a\\b': /characters/,
    '/é': /characters/,
    '/%2f': /characters/,
    '/%2F': /never matches/,
    '/%5C': /never matches/,
    '/%00': /never matches/,
    '/%41': /never matches/,
    '/%3B': /never matches/,
    '/%25': /never matches/,
    '/%0A': /never matches/,
    '/%FF': /never matches.*UTF-8/,
    '/%7E': /never matches/,
    '/{}': /no parameter/,
    '/{id': /no parameter/,
    '/x{id}': /no parameter/,
    '/{id}.json': /no parameter/,
    '/{__proto__}': /no parameter/,
    '/{a...}/b': /must be the last/,
    '/{a}/{a}': /stands twice/,
    '/{a}/{a...}': /stands twice/,
  };
  for (const [template, message] of Object.entries(refused)) {
    t.throws(() => parseTemplate(template), { code: 'route-template-invalid', message }, template);
    t.throws(() => parseTemplate(template), ProxyError);
  }
  t.end();
});

test('two templates have one key exactly when they match the same paths', (t) => {
  const key = (template: string) => templateKey(parseTemplate(template));
  t.equal(key('/a/{b}'), key('/a/{c}'));
  t.equal(key('/{b...}'), key('/{c...}'));
  t.not(key('/a/{b}'), key('/a/{b...}'));
  t.not(key('/a/{b}'), key('/a/b'));
  t.not(key('/'), key('/a'));
  t.end();
});
