import { compileParameters, compileSchema } from '../../policy/schema.ts';
import { SchemaError, type SchemaProblem } from '../../policy/schema/problem.ts';
import type { FileUse } from './shape.ts';

export type SchemaUse = Extract<FileUse, `${string}-schema`>;

/** What the compiler of the request path refuses in a schema, so that it is refused before any request comes. */
export function schemaProblems(bytes: Uint8Array, use: SchemaUse, file: string): readonly SchemaProblem[] {
  try {
    if (use === 'parameter-schema') compileParameters(bytes, file);
    else compileSchema(bytes, file);
    return [];
  } catch (cause) {
    if (cause instanceof SchemaError) return cause.problems;
    throw cause;
  }
}
