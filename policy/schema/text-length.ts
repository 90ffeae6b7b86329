import { _, type Ajv } from 'ajv';
import ucs2length from 'ajv/dist/runtime/ucs2length.js';

/*
 * A character is one UTF-16 unit or two, so that the number of units alone nearly always decides; ajv counts the characters of
 * every text, which for one of 700 takes longer than all the rest of the schema.
 */
const isLonger = (text: string, most: number): boolean => text.length > most && ucs2length.default(text) > most;
const isShorter = (text: string, least: number): boolean =>
  text.length < 2 * least && (text.length < least || ucs2length.default(text) < least);

/** Has `maxLength` and `minLength` count only where it matters. */
export function compareLengths(ajv: Ajv): void {
  for (const [keyword, fails] of [
    ['maxLength', isLonger],
    ['minLength', isShorter],
  ] as const) {
    const original = ajv.getKeyword(keyword);
    if (typeof original === 'boolean') throw new TypeError(`this ajv has no ${keyword} to replace`);
    ajv.removeKeyword(keyword).addKeyword({
      ...original,
      keyword,
      // Where it stood, since of several violations the first is told.
      before: 'pattern',
      code: (context) => {
        const call = context.gen.scopeValue('func', { ref: fails });
        context.fail(_`${call}(${context.data}, ${context.schema})`);
      },
    });
  }
}
