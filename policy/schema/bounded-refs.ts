import { _, type Ajv, type ValidateFunction } from 'ajv';

/**
 * How many `$ref` one value may follow, about 0.2 s of work: a schema that branches where it recurses would otherwise
 * take 2^depth steps. A list of more items than this, each checked through a `$ref`, is refused too.
 */
const maxRefs = 250_000;

class TooManyRefs extends Error {}

/** Lets each `$ref` that is followed count against what one value may cost; `undefined` says that it costs too much. */
export function countRefs(ajv: Ajv): (check: ValidateFunction, value: unknown) => boolean | undefined {
  const refs = { left: 0 };
  const original = ajv.getKeyword('$ref');
  if (typeof original === 'boolean' || !('code' in original)) throw new TypeError('this ajv has no $ref to wrap');
  const step = () => {
    if (--refs.left < 0) throw new TooManyRefs();
  };
  ajv.removeKeyword('$ref');
  ajv.addKeyword({
    keyword: '$ref',
    schemaType: 'string',
    code: (context) => {
      context.gen.code(_`${context.gen.scopeValue('func', { ref: step })}()`);
      original.code(context);
    },
  });
  return (check, value) => {
    refs.left = maxRefs;
    try {
      return check(value) === true;
    } catch (error) {
      // A stack overflow is a RangeError; readers that limit depth keep it from happening.
      if (!(error instanceof TooManyRefs || error instanceof RangeError)) throw error;
      return undefined;
    }
  };
}
