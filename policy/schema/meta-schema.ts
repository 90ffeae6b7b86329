import type { ErrorObject } from 'ajv';
import { validate as draft07 } from './draft-07.generated.ts';
import { validate as draft2020 } from './2020-12.generated.ts';
import type { Dialect } from './dialect.ts';
import type { SchemaProblem } from './problem.ts';

type MetaValidator = ((schema: unknown) => boolean) & { readonly errors?: readonly ErrorObject[] | null };

const validators: Readonly<Record<Dialect, unknown>> = { 'draft-07': draft07, '2020-12': draft2020 };

/** What the meta-schema of the dialect has to say against a schema. */
export function metaSchemaProblems(schema: unknown, dialect: Dialect): readonly SchemaProblem[] {
  const validate = validators[dialect] as MetaValidator;
  if (validate(schema)) return [];
  const problems = (validate.errors ?? []).map(({ instancePath, message = 'is not valid' }) => ({
    code: 'schema-invalid' as const,
    pointer: instancePath,
    message,
  }));
  return [...new Map(problems.map((problem) => [`${problem.pointer} ${problem.message}`, problem])).values()];
}
