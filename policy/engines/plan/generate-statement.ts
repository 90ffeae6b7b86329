import { generateCall, generateDynamicCall } from './generate-call.ts';
import { generateFill, generateInsertOnce, generateMake } from './generate-collection.ts';
import { generateScan } from './generate-scan.ts';
import type { Block, Operand, Place, Statement, StatementOf } from './ir.ts';
import { literal } from './literal.ts';
import { isPlainMember } from './member-names.ts';
import { shortText } from './weigh.ts';
import { constant, type FunctionWriter, fail, fresh, leave, nested, operand, traced, variable } from './writer.ts';

export function generateBlock(writer: FunctionWriter, block: Block): void {
  for (const statement of block.statements) {
    const line = traced(writer, statement.place);
    if (line !== undefined) writer.lines.push(`reached(${line});`);
    const probe = writer.probes.get(statement);
    if (probe !== undefined) writer.lines.push(probe);
    const text = generate(writer, statement);
    if (text !== '') writer.lines.push(text);
  }
}

/** The line for a statement; those that hold blocks write their own lines. */
function generate(writer: FunctionWriter, statement: Statement): string {
  switch (statement.type) {
    case 'ArrayAppendStmt':
    case 'ObjectInsertStmt':
    case 'SetAddStmt':
      return generateFill(writer, statement);
    case 'ObjectInsertOnceStmt':
      return generateInsertOnce(writer, statement);
    case 'MakeArrayStmt':
    case 'MakeObjectStmt':
    case 'MakeSetStmt':
    case 'MakeNumberRefStmt':
    case 'MakeNumberIntStmt':
    case 'MakeNullStmt':
      return generateMake(writer, statement);
    case 'AssignIntStmt':
      return `${variable(writer, statement.target)} = ${constant(writer.module, statement.value)};`;
    case 'AssignVarStmt':
      return generateAssign(writer, statement);
    case 'AssignVarOnceStmt':
      return generateAssignOnce(writer, statement);
    case 'ResetLocalStmt':
      return `${variable(writer, statement.target)} = undefined;`;
    case 'BreakStmt':
      return leave(writer, statement.index);
    case 'CallStmt':
      return generateCall(writer, statement);
    case 'CallDynamicStmt':
      return generateDynamicCall(writer, statement);
    case 'DotStmt':
      return generateDot(writer, statement);
    case 'LenStmt':
      return `${variable(writer, statement.target)} = lengthOf(${operand(writer, statement.source)});`;
    case 'ObjectMergeStmt':
      return generateMerge(writer, statement);
    case 'ResultSetAddStmt':
      return `results.push(${variable(writer, statement.value)});`;
    case 'ReturnLocalStmt':
      return generateReturn(writer, statement);
    case 'NopStmt':
      return '';
    case 'BlockStmt':
      for (const block of statement.blocks)
        nested(
          writer,
          'break',
          () => generateBlock(writer, block),
          (label) => `${label}{`,
        );
      return '';
    case 'NotStmt':
      return generateNot(writer, statement);
    case 'WithStmt':
      return generateWith(writer, statement);
    case 'ScanStmt':
      return generateScan(writer, statement, generateBlock);
    case 'EqualStmt':
    case 'NotEqualStmt':
    case 'IsArrayStmt':
    case 'IsObjectStmt':
    case 'IsSetStmt':
    case 'IsDefinedStmt':
    case 'IsUndefinedStmt':
      return `if (${generateCondition(writer, statement)}) { ${fail(writer, statement.place)} }`;
  }
}

type Condition = Extract<
  Statement,
  {
    type:
      | 'EqualStmt'
      | 'NotEqualStmt'
      | 'IsArrayStmt'
      | 'IsObjectStmt'
      | 'IsSetStmt'
      | 'IsDefinedStmt'
      | 'IsUndefinedStmt';
  }
>;

/** An expression that is true when the statement is undefined. */
function generateCondition(writer: FunctionWriter, statement: Condition): string {
  switch (statement.type) {
    case 'EqualStmt':
      return `!(${equality(writer, statement.a, statement.b)})`;
    case 'NotEqualStmt':
      return equality(writer, statement.a, statement.b);
    case 'IsArrayStmt':
      return `!isArray(${operand(writer, statement.source)})`;
    case 'IsObjectStmt':
      return `!isObject(${operand(writer, statement.source)})`;
    case 'IsSetStmt':
      return `!isSet(${operand(writer, statement.source)})`;
    case 'IsDefinedStmt':
      return `${variable(writer, statement.source)} === undefined`;
    case 'IsUndefinedStmt':
      return `${variable(writer, statement.source)} !== undefined`;
  }
}

/** A short text and a boolean equal nothing but themselves; whatever else may be there is compared in full, for a price. */
function equality(writer: FunctionWriter, a: Operand, b: Operand): string {
  const [x, y] = [operand(writer, a), operand(writer, b)];
  if (isShort(a) || isShort(b)) return `${x} === ${y}`;
  return `(typeof ${x} === 'string' && ${x}.length < ${shortText} ? ${x} === ${y} : equal(${x}, ${y}))`;
}

const isShort = (operand: Operand): boolean =>
  operand.kind === 'bool' || (operand.kind === 'string' && operand.text.length < shortText);

function generateAssign(writer: FunctionWriter, { source, target }: StatementOf<'AssignVarStmt'>): string {
  return writer.live.has(target) ? `${variable(writer, target)} = ${operand(writer, source)};` : '';
}

function generateAssignOnce(
  writer: FunctionWriter,
  { source, target, place }: StatementOf<'AssignVarOnceStmt'>,
): string {
  const [to, from] = [variable(writer, target), operand(writer, source)];
  return `if (${to} === undefined) ${to} = ${from}; else if (!equal(${to}, ${from})) conflict(${where(place)});`;
}

export const where = ({ file, row, col }: Place): string => `${literal(file)}, ${row}, ${col}`;

/** Reads a member as a property where that cannot find anything but a member: see `member-names.ts`. */
function generateDot(writer: FunctionWriter, { source, key, target, place }: StatementOf<'DotStmt'>): string {
  if (source.kind !== 'local') return fail(writer, place);
  const [from, to] = [operand(writer, source), variable(writer, target)];
  if (key.kind === 'string' && isPlainMember(key.text)) {
    const name = literal(key.text);
    // `to` may be `from`.
    const read = fresh(writer, 'r');
    const missing = `${read} === undefined && (${read} = other(${from}, ${name})) === undefined`;
    return `let ${read} = ${from}?.[${name}]; if (${missing}) { ${fail(writer, place)} } ${to} = ${read};`;
  }
  return `if ((${to} = dot(${from}, ${operand(writer, key)})) === undefined) { ${fail(writer, place)} }`;
}

function generateMerge(writer: FunctionWriter, { a, b, target }: StatementOf<'ObjectMergeStmt'>): string {
  return `${variable(writer, target)} = merge(${variable(writer, a)}, ${variable(writer, b)});`;
}

function generateReturn(writer: FunctionWriter, { source }: StatementOf<'ReturnLocalStmt'>): string {
  const undo = writer.levels.map(({ onLeave }) => onLeave).reverse();
  return `${undo.join('')}${writer.returning(variable(writer, source))}`;
}

function generateNot(writer: FunctionWriter, { block, place }: StatementOf<'NotStmt'>): string {
  const body = (): void => {
    generateBlock(writer, block);
    // Everything was defined: the negation is not.
    writer.lines.push(fail(writer, place, 1));
  };
  nested(writer, 'break', body, (label) => `${label}{`);
  return '';
}

/**
 * Input or data with one part replaced, for one block. What functions have remembered holds for the old input, and
 * holds again after the block, by whichever way it is left.
 */
function generateWith(writer: FunctionWriter, { local, path, value, block }: StatementOf<'WithStmt'>): string {
  const [held, memory, changed] = [fresh(writer, 'w'), fresh(writer, 'v'), variable(writer, local)];
  const restore = `${changed} = ${held}; restore(${memory}); `;
  const replacement =
    path.length === 0
      ? operand(writer, value)
      : `upsert(${changed}, ${constant(writer.module, path)}, ${operand(writer, value)})`;
  const done = fresh(writer, 'W');
  writer.lines.push(
    `${done}: { const ${held} = ${changed}, ${memory} = save(); ${changed} = ${replacement}; gen = ++lastGen;`,
  );
  const body = (): void => {
    generateBlock(writer, block);
    writer.lines.push(`${restore} break ${done};`);
  };
  nested(writer, 'break', body, (label) => `${label}{`, restore);
  writer.lines.push(restore, leave(writer, 0), '}');
  return '';
}
