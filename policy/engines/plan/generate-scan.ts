import type { Block, StatementOf } from './ir.ts';
import { type FunctionWriter, fresh, nested, variable } from './writer.ts';

type Body = (writer: FunctionWriter, block: Block) => void;

/** Arrays are read where they lie; `items` gives the members of a set, or the entries of an object, in Rego's order. */
export function generateScan(writer: FunctionWriter, statement: StatementOf<'ScanStmt'>, body: Body): string {
  const [source, list, index] = [fresh(writer, 's'), fresh(writer, 'a'), fresh(writer, 'i')];
  const from = variable(writer, statement.source);
  const loop = (): void => {
    const head = `for (let ${index} = 0; ${index} < ${list}.length; ${index}++) {`;
    const inner = (): void => {
      writer.lines.push(`if (--fuel < 0) spent();`);
      bind(writer, statement, source, list, index);
      body(writer, statement.block);
    };
    nested(writer, 'continue', inner, (label) => `${label}${head}`);
  };
  writer.lines.push(`const ${source} = ${from}, ${list} = isArray(${source}) ? ${source} : items(${source});`);
  nested(writer, 'break', loop, (label) => `${label}{`);
  return '';
}

function bind(
  writer: FunctionWriter,
  scan: StatementOf<'ScanStmt'>,
  source: string,
  list: string,
  index: string,
): void {
  const item = `${list}[${index}]`;
  const [key, value] = [scan.key, scan.value].map((local) => (writer.live.has(local) ? variable(writer, local) : ''));
  const ofArray = [key === '' ? '' : `${key} = ${index};`, value === '' ? '' : `${value} = ${item};`];
  const ofSet = [key, value].map((name) => (name === '' ? '' : `${name} = ${item};`));
  const ofObject = [key === '' ? '' : `${key} = ${item}[0];`, value === '' ? '' : `${value} = ${item}[1];`];
  if (key === '' && value === '') return;
  writer.lines.push(
    `if (${list} === ${source}) { ${ofArray.join(' ')} } else if (isSet(${source})) { ${ofSet.join(' ')} } else { ${ofObject.join(' ')} }`,
  );
}
