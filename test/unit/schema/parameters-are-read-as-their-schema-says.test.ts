import { test } from 'tap';
import { compileParameters } from '../../../policy/schema.ts';
import { problemsOf } from './support.ts';

const parameters = (schema: unknown) => compileParameters(JSON.stringify(schema), 'query.json');
const query = (text: string) => {
  const values = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(text)) values.set(name, [...(values.get(name) ?? []), value]);
  return values;
};

const list = parameters({
  type: 'object',
  properties: {
    limit: { type: 'integer', minimum: 1, maximum: 100 },
    ratio: { type: 'number' },
    open: { type: 'boolean' },
    q: { type: 'string', maxLength: 5 },
    tag: { type: 'array', items: { $ref: '#/$defs/tag' }, maxItems: 2 },
    id: { type: 'array', items: { type: 'integer' } },
  },
  required: ['limit'],
  $defs: { tag: { type: 'string', pattern: '^[a-z]+$' } },
});

const accepted = ['limit=1', 'limit=100&open=true&q=&ratio=-1.5e1', 'limit=5&tag=a', 'limit=5&tag=a&tag=b&id=7&id=8'];
for (const text of accepted) test(`accepted: ${text}`, async (t) => t.equal(list.validate(query(text)), undefined));

const refused: readonly (readonly [text: string, pointer: string, keyword: string])[] = [
  ['', '/limit', 'required'],
  ['limit=0', '/limit', 'minimum'],
  ['limit=', '/limit', 'type'],
  ['limit=1.0', '/limit', 'type'],
  ['limit=01', '/limit', 'type'],
  ['limit=+1', '/limit', 'type'],
  ['limit=%2B1', '/limit', 'type'],
  ['limit=%201', '/limit', 'type'],
  ['limit=0x1', '/limit', 'type'],
  ['limit=9007199254740993', '/limit', 'type'],
  ['limit=1&limit=1', '/limit', 'type'],
  ['limit=1&ratio=1e400', '/ratio', 'type'],
  ['limit=1&ratio=NaN', '/ratio', 'type'],
  ['limit=1&open=TRUE', '/open', 'type'],
  ['limit=1&open=1', '/open', 'type'],
  ['limit=1&q=toolong', '/q', 'maxLength'],
  ['limit=1&tag=a&tag=B', '/tag/1', 'pattern'],
  ['limit=1&tag=a&tag=b&tag=c', '/tag', 'maxItems'],
  ['limit=1&id=x', '/id', 'type'],
  ['limit=1&debug=1', '/debug', 'additionalProperties'],
  ['limit=1&Limit=2', '/Limit', 'additionalProperties'],
  ['limit=1&__proto__=x', '/__proto__', 'additionalProperties'],
  ['limit=1&constructor=x', '/constructor', 'additionalProperties'],
  ['limit=1&a/b=x', '/a~1b', 'additionalProperties'],
];
for (const [text, pointer, keyword] of refused) {
  test(`refused: ?${text}`, async (t) => t.match(list.validate(query(text)), { pointer, keyword }));
}

test('the given parameters are not changed', async (t) => {
  const given = query('limit=1');
  list.validate(given);
  t.strictSame([...given], [['limit', ['1']]]);
});

test('unlisted parameters pass only where the schema says so, and once', async (t) => {
  const open = parameters({ type: 'object', properties: {}, additionalProperties: true });
  t.equal(open.validate(query('utm_source=x')), undefined);
  t.match(open.validate(query('utm_source=x&utm_source=y')), { pointer: '/utm_source', keyword: 'type' });
});

test('a parameter without one readable type is refused at load', async (t) => {
  const properties = {
    a: {},
    b: { type: ['string', 'null'] },
    c: { type: 'object' },
    d: { type: 'array' },
    e: { type: 'string' },
  };
  t.strictSame(
    problemsOf(() => parameters({ type: 'object', properties })),
    ['a', 'b', 'c', 'd'].map((name) => `schema-parameter-type /properties/${name}`),
  );
  t.strictSame(
    problemsOf(() => parameters({ type: 'array' })),
    ['schema-parameter-type '],
  );
});
