import { locate } from './draft.ts';
import type { Position } from './problem.ts';
import { parseYaml } from './yaml-document.ts';

/** Line and column of a byte in a JSON text; columns count characters, as editors do. */
export function positionOfOffset(bytes: Uint8Array, offset: number): Position {
  const before = Buffer.from(bytes.buffer, bytes.byteOffset, offset).toString('utf8');
  const lines = before.split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

/** Line and column of the value that a JSON pointer (RFC 6901) names. JSON is YAML, and YAML keeps positions. */
export function positionOfPointer(bytes: Uint8Array, pointer: string): Position {
  const { root } = parseYaml(Buffer.from(bytes).toString('utf8'));
  if (root === undefined) return { line: 1, column: 1 };
  const steps = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  return locate(root, steps);
}
