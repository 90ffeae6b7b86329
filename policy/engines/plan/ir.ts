/**
 * OPA's intermediate representation (https://www.openpolicyagent.org/docs/ir) after `parse.ts` has judged it: every index is in
 * range, every string is resolved, every call names something that exists. A statement that is undefined ends its block.
 */
export type Plan = {
  readonly entrypoints: ReadonlyMap<string, readonly Block[]>;
  readonly functions: readonly PlanFunction[];
  /** By the name that calls use. */
  readonly functionIndex: ReadonlyMap<string, number>;
  /** The built-ins that are called, and whether they have a result: a call of one that has none cannot be undefined. */
  readonly builtins: ReadonlyMap<string, BuiltinShape>;
};

export type BuiltinShape = { readonly arity: number; readonly hasResult: boolean };

export type PlanFunction = {
  readonly name: string;
  readonly params: readonly Local[];
  readonly blocks: readonly Block[];
  /** Where a dynamic call finds it; undefined for one that takes more than input and data. */
  readonly path: readonly string[] | undefined;
};

/** A variable of a function. 0 and 1 are input and data. */
export type Local = number;

export type Operand =
  | { readonly kind: 'local'; readonly local: Local }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'bool'; readonly value: boolean };

/** Where in the Rego a statement comes from; row 0 is unknown. */
export type Place = { readonly file: string; readonly row: number; readonly col: number };

/** What the fields of a statement may hold, by the name that `statementFields` gives it. */
interface FieldTypes {
  local: Local;
  locals: readonly Local[];
  operand: Operand;
  operands: readonly Operand[];
  /** An integer that a double holds exactly. */
  integer: number;
  /** How many blocks to leave besides the innermost; no more than there are. */
  depth: number;
  /** The name of a function or built-in that exists. */
  callee: string;
  /** Index of a string, resolved. */
  text: string;
  texts: readonly string[];
  block: Block;
  blocks: readonly Block[];
}

/** Every statement and its fields: the one table that both the types and the parser are made from. */
export const statementFields = {
  ArrayAppendStmt: { array: 'local', value: 'operand' },
  AssignIntStmt: { value: 'integer', target: 'local' },
  AssignVarOnceStmt: { source: 'operand', target: 'local' },
  AssignVarStmt: { source: 'operand', target: 'local' },
  BlockStmt: { blocks: 'blocks' },
  BreakStmt: { index: 'depth' },
  CallDynamicStmt: { args: 'locals', path: 'operands', result: 'local' },
  CallStmt: { func: 'callee', args: 'operands', result: 'local' },
  DotStmt: { source: 'operand', key: 'operand', target: 'local' },
  EqualStmt: { a: 'operand', b: 'operand' },
  IsArrayStmt: { source: 'operand' },
  IsDefinedStmt: { source: 'local' },
  IsObjectStmt: { source: 'operand' },
  IsSetStmt: { source: 'operand' },
  IsUndefinedStmt: { source: 'local' },
  LenStmt: { source: 'operand', target: 'local' },
  MakeArrayStmt: { target: 'local' },
  MakeNullStmt: { target: 'local' },
  MakeNumberIntStmt: { value: 'integer', target: 'local' },
  MakeNumberRefStmt: { index: 'text', target: 'local' },
  MakeObjectStmt: { target: 'local' },
  MakeSetStmt: { target: 'local' },
  NopStmt: {},
  NotEqualStmt: { a: 'operand', b: 'operand' },
  NotStmt: { block: 'block' },
  ObjectInsertOnceStmt: { object: 'local', key: 'operand', value: 'operand' },
  ObjectInsertStmt: { object: 'local', key: 'operand', value: 'operand' },
  ObjectMergeStmt: { a: 'local', b: 'local', target: 'local' },
  ResetLocalStmt: { target: 'local' },
  ResultSetAddStmt: { value: 'local' },
  ReturnLocalStmt: { source: 'local' },
  ScanStmt: { source: 'local', key: 'local', value: 'local', block: 'block' },
  SetAddStmt: { set: 'local', value: 'operand' },
  WithStmt: { local: 'local', path: 'texts', value: 'operand', block: 'block' },
} as const satisfies Record<string, Record<string, keyof FieldTypes>>;

export type StatementType = keyof typeof statementFields;
export type FieldKind = keyof FieldTypes;

type FieldsOf<T extends StatementType> = {
  readonly [F in keyof (typeof statementFields)[T]]: (typeof statementFields)[T][F] extends FieldKind
    ? FieldTypes[(typeof statementFields)[T][F]]
    : never;
};

export type StatementOf<T extends StatementType> = FieldsOf<T> & { readonly type: T; readonly place: Place };
export type Statement = { [T in StatementType]: StatementOf<T> }[StatementType];

/** An interface, because a block holds statements and a statement blocks. */
export interface Block {
  readonly statements: readonly Statement[];
}
