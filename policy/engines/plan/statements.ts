import { type Block, type FieldKind, type Local, type Operand, type Statement, statementFields } from './ir.ts';

/** The blocks inside a statement. */
export function blocksOf(statement: Statement): readonly Block[] {
  if (statement.type === 'BlockStmt') return statement.blocks;
  return 'block' in statement ? [statement.block] : [];
}

/** The locals that a statement itself sets. */
export function targetOf(statement: Statement): readonly Local[] {
  if (statement.type === 'ScanStmt') return [statement.key, statement.value];
  if (statement.type === 'WithStmt') return [statement.local];
  if ('target' in statement) return [statement.target];
  return 'result' in statement ? [statement.result] : [];
}

const written: ReadonlySet<string> = new Set(['target', 'result']);

/** The locals that a statement itself reads, changes of a collection among them. */
export function sourcesOf(statement: Statement): readonly Local[] {
  const kinds: Readonly<Record<string, FieldKind>> = statementFields[statement.type];
  const record = statement as unknown as Readonly<Record<string, unknown>>;
  return Object.entries(kinds).flatMap(([name, kind]): readonly Local[] => {
    if (written.has(name) && statement.type !== 'AssignVarOnceStmt') return [];
    if (statement.type === 'ScanStmt' && name !== 'source') return [];
    const value = record[name];
    if (kind === 'local') return [value as Local];
    if (kind === 'locals') return value as readonly Local[];
    if (kind === 'operand') return localsIn([value as Operand]);
    return kind === 'operands' ? localsIn(value as readonly Operand[]) : [];
  });
}

const localsIn = (operands: readonly Operand[]): readonly Local[] =>
  operands.flatMap((operand) => (operand.kind === 'local' ? [operand.local] : []));

/** Every statement of the blocks, those of nested blocks too. */
export function* everyStatement(blocks: readonly Block[]): Generator<Statement> {
  for (const { statements } of blocks) {
    for (const statement of statements) {
      yield statement;
      yield* everyStatement(blocksOf(statement));
    }
  }
}

/** The locals whose value matters: an assignment to any other may be left out. */
export function liveLocals(blocks: readonly Block[]): ReadonlySet<Local> {
  const live = new Set<Local>([0, 1]);
  const copies = new Map<Local, Local[]>();
  const open: Local[] = [];
  const mark = (local: Local): void => {
    if (live.has(local)) return;
    live.add(local);
    open.push(local);
  };
  for (const statement of everyStatement(blocks)) {
    if (statement.type !== 'AssignVarStmt') for (const local of sourcesOf(statement)) mark(local);
    else if (statement.source.kind === 'local') {
      const sources = copies.get(statement.target) ?? [];
      sources.push(statement.source.local);
      copies.set(statement.target, sources);
    }
  }
  for (let local = open.pop(); local !== undefined; local = open.pop()) copies.get(local)?.forEach(mark);
  return live;
}
