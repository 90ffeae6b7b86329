import type { DocumentNode, SelectionSetNode } from './library.ts';

/** Two fragments are compared five times as fast as two fields. */
const fragmentsPerField = 5;

/**
 * How many pairs of fields with one response name a query has: to find out whether they can be merged, validation
 * compares each with each. It also compares each fragment with each, whatever is in them.
 */
export function comparisons(document: DocumentNode): number {
  const counts = new Map<string, number>();
  const waiting: SelectionSetNode[] = document.definitions.flatMap((node) =>
    node.kind === 'OperationDefinition' || node.kind === 'FragmentDefinition' ? [node.selectionSet] : [],
  );
  for (let set = waiting.pop(); set !== undefined; set = waiting.pop()) {
    for (const node of set.selections) {
      if (node.kind === 'Field') {
        const name = node.alias?.value ?? node.name.value;
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      if (node.kind !== 'FragmentSpread' && node.selectionSet !== undefined) waiting.push(node.selectionSet);
    }
  }
  const fragments = document.definitions.filter(({ kind }) => kind === 'FragmentDefinition').length;
  return [...counts.values()].reduce((sum, count) => sum + pairs(count), pairs(fragments) / fragmentsPerField);
}

const pairs = (count: number): number => (count * (count - 1)) / 2;
