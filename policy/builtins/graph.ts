import { keyOf } from '../value/key.ts';
import { member } from '../value/object.ts';
import { sortedMembers } from '../value/order.ts';
import { add } from '../value/set.ts';
import { isArray, type Key, type ObjectValue, RegoSet, type Value } from '../value/value.ts';
import type { BuiltinContext, Builtins } from './builtin.ts';
import { mismatch, object } from './operands.ts';

/** The neighbours of a node: an array or a set; a node with anything else has none. */
function neighboursOf(edges: Value): readonly Value[] {
  if (isArray(edges)) return edges;
  return edges instanceof RegoSet ? sortedMembers(edges) : [];
}

function startingNodes(value: Value | undefined): readonly Value[] {
  if (isArray(value) || value instanceof RegoSet) return neighboursOf(value);
  return mismatch(2, 'one of {array, set}', value);
}

/** The nodes that can be reached; one that is no key of the graph is none of its nodes. */
function reachable(context: BuiltinContext, graph: ObjectValue, start: readonly Value[]): RegoSet {
  const reached = new RegoSet();
  const waiting = [...start];
  const seen = new Set<Key>(start.map(keyOf));
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    const edges = member(graph, node);
    if (edges === undefined) continue;
    add(reached, node);
    const neighbours = neighboursOf(edges);
    context.charge(neighbours.length);
    for (const neighbour of neighbours) {
      const key = keyOf(neighbour);
      if (seen.has(key)) continue;
      seen.add(key);
      waiting.push(neighbour);
    }
  }
  return reached;
}

/** A node of the path that is being walked: its neighbours, those left to visit, and what ends its path here. */
type Step = { readonly neighbours: readonly Value[]; next: number; readonly closes: Key | undefined };

/**
 * All paths from `start`, each as long as it gets before it leaves the graph or would meet itself. There are as many as
 * 2^n: every step is charged. The stack is our own, because a path may be longer than the call stack.
 */
function addPaths(context: BuiltinContext, graph: ObjectValue, start: Value, paths: RegoSet): void {
  const first = member(graph, start);
  if (first === undefined) return;
  const path = [start];
  const onPath = new Set([keyOf(start)]);
  const steps: Step[] = [{ neighbours: neighboursOf(first), next: 0, closes: undefined }];
  const end = () => {
    context.charge(1 + path.length);
    add(paths, [...path]);
  };
  if (steps[0]?.neighbours.length === 0) end();
  for (let step = steps.at(-1); step !== undefined; step = steps.at(-1)) {
    const node = step.neighbours[step.next++];
    if (node === undefined) {
      steps.pop();
      if (step.closes !== undefined) onPath.delete(step.closes);
      path.pop();
      continue;
    }
    context.charge(1);
    const key = keyOf(node);
    const edges = member(graph, node);
    // OPA writes an edge from the first node to itself out once.
    const repeats = onPath.has(key);
    if (edges === undefined || (repeats && steps.length > 1)) {
      end();
      continue;
    }
    const neighbours = neighboursOf(edges);
    path.push(node);
    onPath.add(key);
    steps.push({ neighbours, next: 0, closes: repeats ? undefined : key });
    if (neighbours.length === 0) end();
  }
}

export const graphBuiltins: Builtins = {
  'graph.reachable': (context, graph, start) => reachable(context, object(graph, 1), startingNodes(start)),
  'graph.reachable_paths': (context, graph, start) => {
    const from = object(graph, 1);
    const paths = new RegoSet();
    for (const node of startingNodes(start)) addPaths(context, from, node, paths);
    return paths;
  },
};
