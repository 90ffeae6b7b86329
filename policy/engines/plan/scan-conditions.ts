import type { Block, Local, Operand, Plan, Statement, StatementOf, StatementType } from './ir.ts';
import { blocksOf, everyStatement, targetOf } from './statements.ts';

/** `element.path == value`, where the value is the same for every element. */
export type Condition = {
  readonly statement: StatementOf<'EqualStmt'>;
  readonly path: readonly string[];
  readonly value: Operand;
};

/** What a local holds while the body of a scan runs: a part of the element, something of no element, or anything. */
type Held = { readonly kind: 'element'; readonly path: readonly string[] } | { readonly kind: 'invariant' };

/**
 * The conditions at the start of a scan that an index can answer. They end at the first statement that could do anything
 * but let an element pass or not: an element that they refuse may then be left out without anybody noticing.
 */
export function findConditions(scan: StatementOf<'ScanStmt'>, plan: Plan): readonly Condition[] {
  const assigned = new Set([scan, ...everyStatement([scan.block])].flatMap(changedBy));
  const held = new Map<Local, Held>([[scan.value, { kind: 'element', path: [] }]]);
  const heldBy = (operand: Operand): Held | undefined => {
    if (operand.kind !== 'local' || !assigned.has(operand.local)) return { kind: 'invariant' };
    return held.get(operand.local);
  };
  const conditions: Condition[] = [];
  for (const statement of scan.block.statements) {
    if (statement.type === 'EqualStmt') {
      const condition = conditionOf(statement, heldBy(statement.a), heldBy(statement.b));
      if (condition !== undefined) conditions.push(condition);
      continue;
    }
    if (!isSilent(statement, heldBy, plan)) break;
    const result = resultOf(statement, heldBy);
    for (const local of everyTarget(statement)) {
      if (result === undefined) held.delete(local);
      else held.set(local, result);
    }
  }
  return conditions;
}

function conditionOf(statement: StatementOf<'EqualStmt'>, a: Held | undefined, b: Held | undefined) {
  if (a?.kind === 'element' && b?.kind === 'invariant') return { statement, path: a.path, value: statement.b };
  if (b?.kind === 'element' && a?.kind === 'invariant') return { statement, path: b.path, value: statement.a };
  return undefined;
}

type HeldBy = (operand: Operand) => Held | undefined;

/** True for a statement that has no effect outside of its own locals, and fails for one element as for any other. */
function isSilent(statement: Statement, heldBy: HeldBy, plan: Plan): boolean {
  if (silent.has(statement.type)) return true;
  if (statement.type === 'BlockStmt') return statement.blocks.every((block) => levelsLeft(block) === 0);
  // A call that reads the element might end the evaluation for an element after this one.
  return (
    statement.type === 'CallStmt' &&
    isPure(statement, plan) &&
    statement.args.every((operand) => heldBy(operand)?.kind === 'invariant')
  );
}

const silent: ReadonlySet<StatementType> = new Set([
  'AssignVarStmt',
  'DotStmt',
  'IsArrayStmt',
  'IsDefinedStmt',
  'IsObjectStmt',
  'IsSetStmt',
  'IsUndefinedStmt',
  'MakeNullStmt',
  'MakeNumberIntStmt',
  'MakeNumberRefStmt',
  'NopStmt',
  'NotEqualStmt',
  'ResetLocalStmt',
]);

/** A function of the same operands gives what it gave. */
const isPure = ({ func }: StatementOf<'CallStmt'>, plan: Plan): boolean =>
  plan.functionIndex.has(func) || plan.builtins.get(func)?.hasResult === true;

/**
 * How many blocks are left, besides the innermost, by the one way through a block that holds nothing but breaks and such
 * blocks: OPA wraps a reference in them. Undefined for any other block.
 */
function levelsLeft({ statements }: Block): number | undefined {
  for (const statement of statements) {
    if (statement.type === 'BreakStmt') return statement.index;
    if (statement.type !== 'BlockStmt') return undefined;
    for (const block of statement.blocks) {
      const levels = levelsLeft(block);
      if (levels === undefined || levels > 0) return levels === undefined ? undefined : levels - 1;
    }
  }
  return 0;
}

function resultOf(statement: Statement, heldBy: HeldBy): Held | undefined {
  if (statement.type === 'AssignVarStmt') return heldBy(statement.source);
  if (statement.type === 'DotStmt') {
    const [from, key] = [heldBy(statement.source), heldBy(statement.key)];
    if (from?.kind === 'invariant') return key?.kind === 'invariant' ? from : undefined;
    if (from === undefined || statement.key.kind !== 'string') return undefined;
    return { kind: 'element', path: [...from.path, statement.key.text] };
  }
  return statement.type === 'CallStmt' || statement.type.startsWith('Make') ? { kind: 'invariant' } : undefined;
}

/** A collection that grows is another value for every element. */
function changedBy(statement: Statement): readonly Local[] {
  if ('array' in statement) return [statement.array];
  if ('set' in statement) return [statement.set];
  return 'object' in statement ? [statement.object] : targetOf(statement);
}

const everyTarget = (statement: Statement): readonly Local[] => [
  ...targetOf(statement),
  ...[...everyStatement(blocksOf(statement))].flatMap(targetOf),
];
