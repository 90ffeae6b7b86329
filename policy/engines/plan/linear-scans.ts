import type { Local, Place, Statement } from './ir.ts';
import { parsePlan } from './parse.ts';
import { findConditions } from './scan-conditions.ts';
import { everyStatement } from './statements.ts';

/** `path` is what is looked through, from `data`. */
export type LinearScan = Place & { readonly path: readonly string[] };

/**
 * The places where every element of something in `data` is looked at and no index can help. What is below a key that is
 * known only at run time is left out: that is how data is laid out when somebody has indexed it already.
 */
export function linearScans(planText: string): readonly LinearScan[] {
  const plan = parsePlan(planText);
  const blockLists = [...plan.functions.map(({ blocks }) => blocks), ...plan.entrypoints.values()];
  const found = new Map<string, LinearScan>();
  for (const blocks of blockLists) {
    const statements = [...everyStatement(blocks)];
    const paths = dataLocals(statements);
    for (const statement of statements) {
      if (statement.type !== 'ScanStmt') continue;
      const path = paths.get(statement.source);
      if (path === undefined || findConditions(statement, plan).length > 0) continue;
      found.set(JSON.stringify(statement.place), { ...statement.place, path });
    }
  }
  return [...found.values()].sort((a, b) => a.file.localeCompare(b.file) || a.row - b.row || a.col - b.col);
}

/** Data itself, and what constant keys lead to from there, with their paths; not the elements of a scan. */
function dataLocals(statements: readonly Statement[]): ReadonlyMap<Local, readonly string[]> {
  const paths = new Map<Local, readonly string[]>([[1, []]]);
  for (const statement of statements) {
    if (statement.type !== 'DotStmt' && statement.type !== 'AssignVarStmt') continue;
    const { source, target } = statement;
    const path = source.kind === 'local' ? paths.get(source.local) : undefined;
    if (path === undefined) continue;
    if (statement.type === 'AssignVarStmt') paths.set(target, path);
    else if (statement.key.kind === 'string') paths.set(target, [...path, statement.key.text]);
  }
  return paths;
}
