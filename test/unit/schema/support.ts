import { compileSchema, type SchemaValidator } from '../../../policy/schema.ts';
import { SchemaError } from '../../../policy/schema/problem.ts';

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

/** if, then and else, read from text: an object literal with a member `then` looks like a promise to linters. */
export function conditional(asked: unknown, yes: unknown, no: unknown = true): object {
  const [first, second, third] = [asked, yes, no].map((schema) => JSON.stringify(schema));
  return JSON.parse(`{"if":${first},"then":${second},"else":${third}}`) as object;
}
