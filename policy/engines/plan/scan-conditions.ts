import type { Block, Local, Operand, Plan, Statement, StatementOf } from './ir.ts';
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
  switch (statement.type) {
    case 'AssignVarStmt':
    case 'DotStmt':
    case 'IsArrayStmt':
    case 'IsDefinedStmt':
    case 'IsObjectStmt':
    case 'IsSetStmt':
    case 'IsUndefinedStmt':
    case 'MakeNullStmt':
    case 'MakeNumberIntStmt':
    case 'MakeNumberRefStmt':
    case 'NopStmt':
    case 'NotEqualStmt':
    case 'ResetLocalStmt':
      return true;
    case 'BlockStmt':
      return statement.blocks.every((block) => staysInside(block, 0));
    case 'CallStmt':
      // One that reads the element might fail for another element as it fails for none before it.
      return statement.args.every((operand) => heldBy(operand)?.kind === 'invariant') && isPure(statement, plan);
    default:
      return false;
  }
}

/** A function of the same operands gives what it gave. */
const isPure = ({ func }: StatementOf<'CallStmt'>, plan: Plan): boolean =>
  plan.functionIndex.has(func) || plan.builtins.get(func)?.hasResult === true;

/** OPA wraps a reference in blocks that do nothing but break out of each other. */
function staysInside({ statements }: Block, depth: number): boolean {
  return statements.every((statement) => {
    if (statement.type === 'BreakStmt') return statement.index <= depth;
    return statement.type === 'BlockStmt' && statement.blocks.every((block) => staysInside(block, depth + 1));
  });
}

function resultOf(statement: Statement, heldBy: HeldBy): Held | undefined {
  switch (statement.type) {
    case 'AssignVarStmt':
      return heldBy(statement.source);
    case 'DotStmt': {
      const from = heldBy(statement.source);
      if (from?.kind === 'element' && statement.key.kind === 'string') {
        return { kind: 'element', path: [...from.path, statement.key.text] };
      }
      return from?.kind === 'invariant' && heldBy(statement.key)?.kind === 'invariant' ? from : undefined;
    }
    case 'CallStmt':
    case 'MakeNullStmt':
    case 'MakeNumberIntStmt':
    case 'MakeNumberRefStmt':
      return { kind: 'invariant' };
    default:
      return undefined;
  }
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
