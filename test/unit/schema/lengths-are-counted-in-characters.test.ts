import { test } from 'tap';
import { compile } from './support.ts';

/** Every text of up to four units and characters, halves of a character among them. */
const texts = [''];
for (let from = 0, length = 1; length <= 4; length++) {
  const shorter = texts.slice(from);
  from = texts.length;
  for (const text of shorter) for (const unit of ['a', '😀', '\ud83d', '\ude00']) texts.push(text + unit);
}

for (const limit of [0, 1, 2, 3, 4, 5]) {
  test(`maxLength and minLength of ${limit}`, async (t) => {
    const most = compile({ type: 'string', maxLength: limit });
    const least = compile({ type: 'string', minLength: limit });
    const wrong = texts.filter((text) => {
      const characters = Array.from(text).length;
      const tooLong = most.validate(text)?.keyword === 'maxLength';
      const tooShort = least.validate(text)?.keyword === 'minLength';
      return tooLong !== characters > limit || tooShort !== characters < limit;
    });
    t.strictSame(wrong, []);
  });
}

test('of several violations of one text the length is told first, as it is written', async (t) => {
  const schema = compile({ type: 'string', pattern: '^a+$', maxLength: 3, minLength: 1 });
  t.strictSame(schema.validate('bbbb'), {
    pointer: '',
    keyword: 'maxLength',
    message: 'must NOT have more than 3 characters',
  });
  t.strictSame(schema.validate(''), {
    pointer: '',
    keyword: 'minLength',
    message: 'must NOT have fewer than 1 characters',
  });
  t.match(schema.validate('b'), { keyword: 'pattern' });
});
