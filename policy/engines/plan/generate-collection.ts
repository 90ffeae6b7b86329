import type { Local, StatementOf } from './ir.ts';
import { literal } from './literal.ts';
import { constant, type FunctionWriter, operand, variable } from './writer.ts';

type Make = StatementOf<
  'MakeArrayStmt' | 'MakeObjectStmt' | 'MakeSetStmt' | 'MakeNumberRefStmt' | 'MakeNumberIntStmt' | 'MakeNullStmt'
>;
type Fill = StatementOf<'ArrayAppendStmt'> | StatementOf<'ObjectInsertStmt'> | StatementOf<'SetAddStmt'>;

/** A collection and its first entries, or one more entry with its share of the growth by doubling. */
const bytes = 64;
/** Steps are counted down here and checked where a loop or a call begins. */
const charged = `fuel -= 2; if ((room -= ${bytes}) < 0) full();`;

export function generateMake(writer: FunctionWriter, statement: Make): string {
  const target = variable(writer, statement.target);
  const value = writer.found.valueOf.get(statement as never);
  if (value !== undefined) return `${target} = ${constant(writer.module, value)};`;
  const empty = { MakeArrayStmt: '[]', MakeObjectStmt: '{}', MakeSetStmt: 'new RegoSet()' } as const;
  const made = empty[statement.type as keyof typeof empty];
  return `${charged} ${target} = ${writer.found.borrowed.has(statement.target) ? `own(owned, ${made})` : made};`;
}

export function generateFill(writer: FunctionWriter, statement: Fill): string {
  if (writer.found.dropped.has(statement)) return '';
  switch (statement.type) {
    case 'ArrayAppendStmt':
      return `${charged} ${mine(writer, statement.array)}${variable(writer, statement.array)}.push(${operand(writer, statement.value)});`;
    case 'SetAddStmt':
      return `${charged} ${mine(writer, statement.set)}add(${variable(writer, statement.set)}, ${operand(writer, statement.value)});`;
    case 'ObjectInsertStmt':
      return `${charged} ${insertion(writer, statement)}`;
  }
}

function insertion(writer: FunctionWriter, { object, key, value }: StatementOf<'ObjectInsertStmt'>): string {
  const target = variable(writer, object);
  const source = operand(writer, value);
  // Assigning to `__proto__` would make no member; `plain` leaves such objects out.
  if (writer.plain.has(object) && key.kind === 'string') return `${target}[${literal(key.text)}] = ${source};`;
  return `${mine(writer, object)}${target} = insert(${target}, ${operand(writer, key)}, ${source});`;
}

export function generateInsertOnce(writer: FunctionWriter, statement: StatementOf<'ObjectInsertOnceStmt'>): string {
  const [target, key, value] = [
    variable(writer, statement.object),
    operand(writer, statement.key),
    operand(writer, statement.value),
  ];
  const { file, row, col } = statement.place;
  const place = `${literal(file)}, ${row}, ${col}`;
  return `${charged} ${mine(writer, statement.object)}${target} = insertOnce(${target}, ${key}, ${value}, ${place});`;
}

/** A value that this call did not make is copied before it is changed: it may be a constant, or a part of the input. */
function mine(writer: FunctionWriter, local: Local): string {
  if (!writer.found.borrowed.has(local)) return '';
  const name = variable(writer, local);
  return `${name} = ownCopy(owned, ${name}); `;
}
