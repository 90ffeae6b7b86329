import { compileSchema, SchemaError, type SchemaValidator } from '../../../policy/schema.ts';

export function compile(schema: unknown): SchemaValidator {
  return compileSchema(JSON.stringify(schema), 'schema.json');
}

/** `code pointer` of everything that is wrong with a schema. */
export function problemsOf(act: () => unknown): readonly string[] {
  try {
    act();
    return [];
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    return error.problems.map(({ code, pointer }) => `${code} ${pointer}`);
  }
}

/** if, then and else, in a form that no linter takes for a promise. */
export function conditional(asked: unknown, yes: unknown, no: unknown = true): object {
  return Object.fromEntries([
    ['if', asked],
    ['then', yes],
    ['else', no],
  ]);
}
