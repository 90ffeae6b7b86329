import { numberOf } from '../../value/number.ts';
import { type Block, type FieldKind, type Operand, type Place, type Statement, statementFields } from './ir.ts';
import { at, fail, fields, integerIn, items, type Known, optionalItems, text } from './parse-json.ts';

/** Deeper than any policy nests its loops, and shallow enough for every recursion over a plan. */
const maxDepth = 256;

/** As Rego writes one: `.5` and `5.` too. */
const numberLiteral = /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

const isNumber = (literal: string): boolean => numberLiteral.test(literal) && numberOf(literal) !== undefined;

/** Where a statement stands: for messages, and to judge how far it may break. */
type Scope = {
  readonly where: string;
  readonly kind: 'function' | 'entrypoint';
  readonly levels: number;
  readonly depth: number;
  readonly known: Known;
};

/** The blocks of a function or an entrypoint. */
export function parseBlocks(raw: unknown, where: string, kind: Scope['kind'], known: Known): readonly Block[] {
  return blocks(raw, { where, kind, levels: 0, depth: 0, known });
}

function blocks(raw: unknown, scope: Scope): readonly Block[] {
  return optionalItems(raw, `${scope.where}.blocks`).map((block, index) => {
    return parseBlock(block, inside(scope, `blocks[${index}]`, 1));
  });
}

function inside(scope: Scope, part: string, levels: number): Scope {
  if (scope.depth >= maxDepth) fail(`${scope.where} nests deeper than ${maxDepth} blocks`);
  return { ...scope, where: `${scope.where}.${part}`, levels: scope.levels + levels, depth: scope.depth + 1 };
}

function parseBlock(raw: unknown, scope: Scope): Block {
  const statements = optionalItems(fields(raw, scope.where)['stmts'], `${scope.where}.stmts`);
  return Object.freeze({
    statements: statements.map((statement, index) => {
      return parseStatement(statement, { ...scope, where: `${scope.where}.stmts[${index}]` });
    }),
  });
}

function parseStatement(raw: unknown, scope: Scope): Statement {
  const { type, stmt } = fields(raw, scope.where);
  const shape = typeof type === 'string' && Object.hasOwn(statementFields, type) ? type : undefined;
  if (shape === undefined) fail(`${scope.where} is a statement of the unknown type ${JSON.stringify(type)}`);
  const record = fields(stmt, `${scope.where}.stmt`);
  const kinds = statementFields[shape as Statement['type']] as Readonly<Record<string, FieldKind>>;
  // A scan is a loop in a block: a break of 0 goes on with the next element, one of 1 ends the scan.
  const nested = { ...scope, levels: scope.levels + (shape === 'ScanStmt' ? 1 : 0) };
  const parsed = Object.entries(kinds).map(([name, kind]) => {
    const where = `${scope.where}.${name}`;
    // Before 1.20 OPA wrote `Index` where it now writes both.
    const value = record[name] ?? (shape === 'MakeNumberRefStmt' ? record['Index'] : undefined);
    return [name, readers[kind](value, where, name === 'block' ? nested : scope)];
  });
  const statement = { type: shape, place: parsePlace(record, scope), ...Object.fromEntries(parsed) } as Statement;
  judge(statement, scope);
  return Object.freeze(statement);
}

function parsePlace(record: { readonly [name: string]: unknown }, { where, known }: Scope): Place {
  const row = integerIn(record['row'], `${where}.row`, 0, 2 ** 31);
  const col = integerIn(record['col'], `${where}.col`, 0, 2 ** 31);
  // A statement that stands for no line of Rego has file 0 even where there are no files.
  if (row === 0 && known.files.length === 0) return { file: '', row, col };
  return { file: at(known.files, record['file'], `${where}.file`), row, col };
}

type Reader = (raw: unknown, where: string, scope: Scope) => unknown;

const readers: Readonly<Record<FieldKind, Reader>> = {
  local: (raw, where) => integerIn(raw, where),
  locals: (raw, where) => items(raw, where).map((local) => integerIn(local, where)),
  operand: parseOperand,
  operands: (raw, where, scope) => optionalItems(raw, where).map((operand) => parseOperand(operand, where, scope)),
  integer: (raw, where) => integerIn(raw, where, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  depth: (raw, where, { levels }) => integerIn(raw, where, 0, levels - 1),
  callee: text,
  text: (raw, where, { known }) => at(known.strings, raw, where),
  texts: (raw, where, { known }) => optionalItems(raw, where).map((index) => at(known.strings, index, where)),
  block: (raw, _where, scope) => parseBlock(raw, inside(scope, 'block', 1)),
  blocks: (raw, _where, scope) => blocks(raw, scope),
};

function parseOperand(raw: unknown, where: string, { known }: Scope): Operand {
  const { type, value } = fields(raw, where);
  switch (type) {
    case 'local':
      return { kind: 'local', local: integerIn(value, where) };
    case 'string_index':
      return { kind: 'string', text: at(known.strings, value, where) };
    case 'bool':
      if (typeof value === 'boolean') return { kind: 'bool', value };
      return fail(`${where} is no boolean`);
    default:
      return fail(`${where} is of the unknown type ${JSON.stringify(type)}`);
  }
}

/** What only all fields of a statement together can tell. */
function judge(statement: Statement, { where, kind, levels, known }: Scope): void {
  if (statement.type === 'CallStmt') {
    const { func, args } = statement;
    const arity = known.arities.get(func) ?? known.builtins.get(func)?.arity;
    if (arity === undefined) fail(`${where} calls ${func}, which is neither a function of the plan nor a built-in`);
    if (arity !== args.length) fail(`${where} calls ${func} with ${args.length} operands instead of ${arity}`);
  }
  if (statement.type === 'CallDynamicStmt' && (statement.args.length !== 2 || levels < 4)) {
    fail(`${where} is a dynamic call with ${statement.args.length} operands in ${levels} blocks, not 2 in 4`);
  }
  if (statement.type === 'ResultSetAddStmt' && kind === 'function') fail(`${where} adds to the result set`);
  if (statement.type === 'MakeNumberRefStmt' && !isNumber(statement.index)) {
    fail(`${where} makes a number of ${JSON.stringify(statement.index.slice(0, 64))}`);
  }
}
