import type { DocumentNode, SelectionSetNode } from './library.ts';

/**
 * How many pairs of fields with one response name a query has: to find out whether they can be merged, validation
 * compares each with each.
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
  return [...counts.values()].reduce((sum, count) => sum + (count * (count - 1)) / 2, 0);
}
