import type { Ajv, KeywordCxt } from 'ajv';

/** Adds to the code that ajv makes for a keyword, of this instance only, in its place among the others. */
export function wrapKeyword(
  ajv: Ajv,
  keyword: string,
  wrap: (context: KeywordCxt, original: () => void) => void,
): void {
  const definition = ajv.getKeyword(keyword);
  if (typeof definition === 'boolean' || !('code' in definition))
    throw new TypeError(`this ajv has no ${keyword} to wrap`);
  const { code } = definition;
  definition.code = (context, type) => wrap(context, () => code(context, type));
}
