import { PolicyError, type PolicyErrorCode } from '../errors.ts';

/** One thing wrong with a schema file. */
export type SchemaProblem = {
  readonly code: Extract<PolicyErrorCode, `schema-${string}`>;
  /** RFC 6901, into the schema file. */
  readonly pointer: string;
  readonly message: string;
};

/** A schema that was refused, with everything that is wrong with it; `code` is that of the first problem. */
export class SchemaError extends PolicyError {
  readonly problems: readonly SchemaProblem[];

  constructor(name: string, problems: readonly [SchemaProblem, ...SchemaProblem[]]) {
    const lines = problems.map(({ pointer, message }) => `${name}#${pointer}: ${message}`);
    super(problems[0].code, lines.join('\n'));
    this.problems = Object.freeze([...problems]);
  }
}
