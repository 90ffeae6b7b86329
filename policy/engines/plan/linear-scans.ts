import type { Local, Place, Statement } from './ir.ts';
import { parsePlan } from './parse.ts';
import { findConditions } from './scan-conditions.ts';
import { everyStatement } from './statements.ts';

/**
 * The places where every element of something in `data` is looked at and no index can help. What is below a key that is
 * known only at run time is left out: that is how data is laid out when somebody has indexed it already.
 */
export function linearScans(planText: string): readonly Place[] {
  const plan = parsePlan(planText);
  const blockLists = [...plan.functions.map(({ blocks }) => blocks), ...plan.entrypoints.values()];
  const found = new Map<string, Place>();
  for (const blocks of blockLists) {
    const statements = [...everyStatement(blocks)];
    const ofData = dataLocals(statements);
    for (const statement of statements) {
      if (statement.type !== 'ScanStmt' || !ofData.has(statement.source)) continue;
      if (findConditions(statement, plan).length > 0) continue;
      found.set(JSON.stringify(statement.place), statement.place);
    }
  }
  return [...found.values()].sort((a, b) => a.file.localeCompare(b.file) || a.row - b.row || a.col - b.col);
}

/** Data itself, and what constant keys lead to from there; not the elements of a scan. */
function dataLocals(statements: readonly Statement[]): ReadonlySet<Local> {
  const ofData = new Set<Local>([1]);
  for (const statement of statements) {
    if (statement.type === 'DotStmt') {
      const { source, key, target } = statement;
      if (source.kind === 'local' && ofData.has(source.local) && key.kind === 'string') ofData.add(target);
    }
    if (statement.type === 'AssignVarStmt' && statement.source.kind === 'local' && ofData.has(statement.source.local)) {
      ofData.add(statement.target);
    }
  }
  return ofData;
}
