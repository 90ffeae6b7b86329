import { numberOf } from '../../value/number.ts';
import { insert } from '../../value/object.ts';
import { add } from '../../value/set.ts';
import { type ObjectValue, RegoMap, RegoSet, type Value } from '../../value/value.ts';
import type { Block, Local, Operand, Statement } from './ir.ts';
import { blocksOf, everyStatement, targetOf } from './statements.ts';

/**
 * The values that a function builds of nothing but constants: the statement that makes one gives its whole value, those
 * that would fill it do nothing. Made once, however often the function runs.
 */
export type Constants = {
  readonly valueOf: ReadonlyMap<Statement, Value>;
  readonly dropped: ReadonlySet<Statement>;
  /** Locals that are changed where they may hold a value that this function did not make for them. */
  readonly borrowed: ReadonlySet<Local>;
};

type MakeStatement = Extract<
  Statement,
  {
    type:
      | 'MakeArrayStmt'
      | 'MakeObjectStmt'
      | 'MakeSetStmt'
      | 'MakeNumberRefStmt'
      | 'MakeNumberIntStmt'
      | 'MakeNullStmt';
  }
>;
type Fill = Extract<Statement, { type: 'ArrayAppendStmt' | 'ObjectInsertStmt' | 'SetAddStmt' }>;
type Part = Made | { readonly constant: Value };
type Made = {
  readonly make: MakeStatement;
  ground: boolean;
  /** Once it is a part of something: OPA fills no value after that, and nobody else makes one that holds itself. */
  closed: boolean;
  readonly fills: { fill: Fill; parts: readonly Part[] }[];
};

/** What a local holds as far as the text tells; `unclear` once a nested block or another statement has set it. */
type Scope = { readonly held: Map<Local, Made | 'unclear'>; readonly outer: Scope | undefined };
type Findings = {
  readonly all: Made[];
  readonly unexplained: Set<Local>;
  readonly foreign: Set<Local>;
};

/** Parameters hold what somebody else has made: input and data among them. */
export function findConstants(blocks: readonly Block[], params: readonly Local[]): Constants {
  const findings: Findings = { all: [], unexplained: new Set(), foreign: new Set(params) };
  for (const block of blocks) walk(block, undefined, findings);
  const { all, unexplained, foreign } = findings;
  // Something changes this local out of sight of where it was made.
  for (const made of all) if (unexplained.has(made.make.target)) made.ground = false;
  for (let changed = true; changed; ) {
    changed = false;
    for (const made of all) {
      if (!made.ground || made.fills.every(({ parts }) => parts.every((part) => 'constant' in part || part.ground)))
        continue;
      made.ground = false;
      changed = true;
    }
  }
  const ground = all.filter((made) => made.ground);
  const values = new Map<Made, Value>();
  return {
    valueOf: new Map(ground.map((made) => [made.make, build(made, values)])),
    dropped: new Set(ground.flatMap(({ fills }) => fills.map(({ fill }) => fill))),
    borrowed: unexplained.intersection(foreign),
  };
}

function walk(block: Block, outer: Scope | undefined, findings: Findings): ReadonlySet<Local> {
  const scope: Scope = { held: new Map(), outer };
  const touched = new Set<Local>();
  for (const statement of block.statements) {
    for (const local of setBefore(statement)) scope.held.set(local, 'unclear');
    for (const nested of blocksOf(statement)) {
      for (const local of walk(nested, scope, findings)) {
        scope.held.set(local, 'unclear');
        touched.add(local);
      }
    }
    if (isMake(statement)) {
      const made: Made = { make: statement, ground: true, closed: false, fills: [] };
      findings.all.push(made);
      scope.held.set(statement.target, made);
      touched.add(statement.target);
    } else if (isFill(statement)) {
      fill(statement, scope, findings);
    } else {
      if (statement.type === 'ObjectInsertOnceStmt') spoil(statement.object, scope, findings);
      for (const local of targetOf(statement)) {
        scope.held.set(local, 'unclear');
        touched.add(local);
        if (statement.type !== 'ResetLocalStmt') findings.foreign.add(local);
      }
    }
  }
  return touched;
}

/** What may have been set by the time that the blocks in a statement begin: a loop fills first what it has set last. */
function setBefore(statement: Statement): readonly Local[] {
  if (statement.type === 'WithStmt') return [statement.local];
  if (statement.type !== 'ScanStmt') return [];
  const inside = [...everyStatement([statement.block])].filter((one) => !isMake(one) && one.type !== 'ResetLocalStmt');
  return [statement, ...inside].flatMap(targetOf);
}

function fill(statement: Fill, scope: Scope, findings: Findings): void {
  const own = scope.held.get(collectionOf(statement));
  const parts = operandsOf(statement).map((operand) => partOf(operand, scope));
  for (const part of parts) if (part !== undefined && 'make' in part) part.closed = true;
  const isOpen = own instanceof Object && !own.closed && own.make.type === makerOf[statement.type];
  if (isOpen && parts.every((part) => part !== undefined)) own.fills.push({ fill: statement, parts });
  else spoil(collectionOf(statement), scope, findings);
}

const makerOf = {
  ArrayAppendStmt: 'MakeArrayStmt',
  ObjectInsertStmt: 'MakeObjectStmt',
  SetAddStmt: 'MakeSetStmt',
} as const satisfies Record<Fill['type'], MakeStatement['type']>;

function spoil(local: Local, scope: Scope, { unexplained }: Findings): void {
  const made = lookUp(local, scope);
  if (made instanceof Object) made.ground = false;
  else unexplained.add(local);
}

function lookUp(local: Local, scope: Scope | undefined): Made | 'unclear' | undefined {
  return scope === undefined ? undefined : (scope.held.get(local) ?? lookUp(local, scope.outer));
}

function partOf(operand: Operand, scope: Scope): Part | undefined {
  if (operand.kind === 'string') return { constant: operand.text };
  if (operand.kind === 'bool') return { constant: operand.value };
  const made = lookUp(operand.local, scope);
  return made instanceof Object ? made : undefined;
}

function build(made: Made, values: Map<Made, Value>): Value {
  const known = values.get(made);
  if (known !== undefined) return known;
  let value = emptyOf(made.make);
  for (const { fill: statement, parts } of made.fills) {
    const [first, second] = parts.map((part) => ('constant' in part ? part.constant : build(part, values)));
    if (statement.type === 'ArrayAppendStmt') (value as Value[]).push(first as Value);
    else if (statement.type === 'SetAddStmt') add(value as RegoSet, first as Value);
    else value = insert(value as ObjectValue, first as Value, second as Value);
  }
  // A set or a map keeps its order inside itself once it is known.
  if (!(value instanceof RegoSet) && !(value instanceof RegoMap)) Object.freeze(value);
  values.set(made, value);
  return value;
}

function emptyOf(make: MakeStatement): Value {
  switch (make.type) {
    case 'MakeArrayStmt':
      return [];
    case 'MakeObjectStmt':
      return {};
    case 'MakeSetStmt':
      return new RegoSet();
    case 'MakeNullStmt':
      return null;
    case 'MakeNumberIntStmt':
      return make.value;
    case 'MakeNumberRefStmt':
      return numberOf(make.index) ?? 0;
  }
}

const isMake = (statement: Statement): statement is MakeStatement => statement.type.startsWith('Make');

const isFill = (statement: Statement): statement is Fill =>
  statement.type === 'ArrayAppendStmt' || statement.type === 'ObjectInsertStmt' || statement.type === 'SetAddStmt';

function collectionOf(statement: Fill): Local {
  if (statement.type === 'ArrayAppendStmt') return statement.array;
  return statement.type === 'SetAddStmt' ? statement.set : statement.object;
}

function operandsOf(statement: Fill): readonly Operand[] {
  return statement.type === 'ObjectInsertStmt' ? [statement.key, statement.value] : [statement.value];
}
