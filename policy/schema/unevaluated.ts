import { _, type Ajv, Name } from 'ajv';
import { childPointer } from '../json/pointer.ts';
import type { SchemaProblem } from './problem.ts';
import { wrapKeyword } from './wrap-keyword.ts';

const message =
  '"unevaluatedProperties" is not supported where anyOf, oneOf, if, dependentSchemas, dependencies, patternProperties or a ' +
  '$ref to a schema around it decides which members are known; write "additionalProperties": false in each branch';

/**
 * Notes where `unevaluatedProperties` depends on more than what ajv knows when it compiles. What ajv collects while it
 * validates takes in members of a branch of `if` that failed, and those named like methods (`constructor`), since it looks
 * them up in `{}`. To be asked once the schema is compiled.
 */
export function watchUnevaluated(ajv: Ajv, root: unknown): () => readonly SchemaProblem[] {
  const unsound = new Set<unknown>();
  if (!JSON.stringify(root).includes('"unevaluatedProperties"')) {
    // Spares every anyOf the branches behind the first that is valid.
    ajv.opts.unevaluated = false;
    return () => [];
  }
  wrapKeyword(ajv, 'if', (context, original) => {
    const { it, gen } = context;
    const before = it.props;
    original();
    // ajv knows them when it compiles, and is wrong.
    if (it.props !== before) it.props = gen.var('props', _`{}`);
  });
  wrapKeyword(ajv, 'unevaluatedProperties', ({ it, schema, parentSchema }, original) => {
    if (schema !== true && it.props instanceof Name) unsound.add(parentSchema);
    original();
  });
  return () =>
    [...unsound].map((schema) => {
      const pointer = childPointer(placeOf(schema, root, '') ?? '', 'unevaluatedProperties');
      return { code: 'schema-invalid', pointer, message };
    });
}

function placeOf(schema: unknown, value: unknown, pointer: string): string | undefined {
  if (value === schema) return pointer;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, part] of Object.entries(value)) {
    const place = placeOf(schema, part, childPointer(pointer, name));
    if (place !== undefined) return place;
  }
  return undefined;
}
