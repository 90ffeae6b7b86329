import type { Block, StatementOf } from './ir.ts';
import { type Condition, findConditions } from './scan-conditions.ts';
import { type FunctionWriter, fresh, nested, operand, reference, variable } from './writer.ts';

type Scan = StatementOf<'ScanStmt'>;
type Body = (writer: FunctionWriter, block: Block) => void;

/** The names that one loop uses. */
type Loop = { readonly source: string; readonly list: string; readonly index: string; readonly found: string };

/** Arrays are read where they lie; `items` gives the members of a set, or the entries of an object, in Rego's order. */
export function generateScan(writer: FunctionWriter, scan: Scan, body: Body): string {
  const [source, list, index, found] = ['s', 'a', 'i', 'c'].map((prefix) => fresh(writer, prefix)) as Names;
  const loop: Loop = { source, list, index, found };
  const conditions = writer.module.indexed ? findConditions(scan, writer.module.plan) : [];
  for (const [at, { statement }] of conditions.entries()) {
    writer.probes.set(statement, probe(writer, loop, conditions.slice(0, at + 1)));
  }
  const from = variable(writer, scan.source);
  writer.lines.push(`const ${source} = ${from}, ${list} = isArray(${source}) ? ${source} : items(${source});`);
  if (conditions.length > 0) {
    // How many conditions have narrowed the candidates; as many as there are when no index is worth it.
    writer.lines.push(
      `let ${found}, ${found}n = 0, ${found}k = isIndexed(${source}, ${list}) ? 0 : ${conditions.length};`,
    );
  }
  nested(
    writer,
    'break',
    () => generateLoop(writer, scan, loop, conditions.length > 0, body),
    (label) => `${label}{`,
  );
  return '';
}

type Names = [string, string, string, string];

function generateLoop(writer: FunctionWriter, scan: Scan, loop: Loop, indexed: boolean, body: Body): void {
  const { list, index, found } = loop;
  const next = indexed
    ? `${index} = ${found} === undefined ? ${index} + 1 : ${found}n < ${found}.length ? ${found}[${found}n++] : ${list}.length`
    : `${index}++`;
  const inner = (): void => {
    writer.lines.push('if (--fuel < 0) spent();', bind(writer, scan, loop));
    body(writer, scan.block);
  };
  const head = `for (let ${index} = 0; ${index} < ${list}.length; ${next}) {`;
  nested(writer, 'continue', inner, (label) => `${label}${head}`);
}

/** Sets the locals of the key and of the value, those of them that anything reads. */
function bind(writer: FunctionWriter, scan: Scan, { source, list, index }: Loop): string {
  const item = `${list}[${index}]`;
  const set = (local: number, value: string): string =>
    writer.live.has(local) ? `${variable(writer, local)} = ${value}; ` : '';
  const ofArray = set(scan.key, index) + set(scan.value, item);
  const ofSet = set(scan.key, item) + set(scan.value, item);
  const ofObject = set(scan.key, `${item}[0]`) + set(scan.value, `${item}[1]`);
  if (ofArray === '') return '';
  return `if (${list} === ${source}) { ${ofArray}} else if (isSet(${source})) { ${ofSet}} else { ${ofObject}}`;
}

/**
 * Stands before a condition and runs when the first element gets there, by when all that the condition compares with is
 * known: from then on, only elements that meet it are looked at. Nothing is evaluated sooner than without an index.
 */
function probe(writer: FunctionWriter, loop: Loop, conditions: readonly Condition[]): string {
  const { source, list, index, found } = loop;
  const paths = conditions.map(({ path }) => path);
  const constant = reference(writer.module, { name: JSON.stringify(paths), paths });
  const values = conditions.map(({ value }) => operand(writer, value)).join(', ');
  const level = conditions.length;
  return [
    `if (${found}k < ${level}) { ${found}k = ${level};`,
    `const positions = positionsOf(${list}, ${list} !== ${source}, ${constant}, ${values});`,
    `if (positions !== undefined) { ${found} = positions; ${found}n = firstAfter(positions, ${index}); } }`,
  ].join(' ');
}
