import { huffmanLengths } from './huffman-lengths.ts';

/**
 * The Huffman code as an automaton that takes four bits at a time: the shortest code has five, so a step ends one symbol at most.
 * An entry, at `state * 16 + four bits`, has the next state in its lowest eight bits, which suffice: a tree of 257 leaves has 256
 * inner nodes; above them the symbol, and the flags.
 */
export type Automaton = Int32Array;

export const symbolShift = 8;
export const endsSymbol = 1 << 16;
/** The text may end behind these bits: fewer than eight since the last symbol, and all of them ones (RFC 7541 section 5.2). */
export const mayEnd = 1 << 17;
/** The code of EOS, which must not occur. */
export const refused = 1 << 18;

const eos = 256;
const mostPaddingBits = 7;

/** Two places for each inner node: its child for 0 and for 1. A leaf is the complement of its symbol, thus negative. */
type Tree = Int16Array;

let made: Automaton | undefined;

/** Made when it is first needed: who serves no HTTP/2 has no use for it. */
export function huffmanAutomaton(): Automaton {
  made ??= automatonOf(treeOf(huffmanLengths));
  return made;
}

function treeOf(lengths: readonly number[]): Tree {
  const tree = new Int16Array(2 * (lengths.length - 1));
  const longest = Math.max(...lengths);
  let nodes = 1;
  let code = 0;
  for (let length = 1; length <= longest; length += 1, code *= 2) {
    for (const [symbol, bits] of lengths.entries()) {
      if (bits !== length) continue;
      nodes = grow(tree, nodes, code, length, symbol);
      code += 1;
    }
  }
  return tree;
}

/** Adds the path of one code. No child is the root, so 0 says that there is none yet. */
function grow(tree: Tree, nodes: number, code: number, length: number, symbol: number): number {
  let node = 0;
  let count = nodes;
  for (let bit = length - 1; bit > 0; bit -= 1) {
    const place = 2 * node + ((code >>> bit) & 1);
    if (tree[place] === 0) {
      tree[place] = count;
      count += 1;
    }
    node = tree[place] ?? 0;
  }
  tree[2 * node + (code & 1)] = ~symbol;
  return count;
}

function automatonOf(tree: Tree): Automaton {
  const states = tree.length / 2;
  const endings = endingsOf(tree);
  const automaton = new Int32Array(states * 16);
  for (let entry = 0; entry < automaton.length; entry += 1) {
    automaton[entry] = step(tree, endings, entry >>> 4, entry & 0xf);
  }
  return automaton;
}

/** The states in which a text may end: on the path of ones, not too far from the root. */
function endingsOf(tree: Tree): ReadonlySet<number> {
  const endings = new Set([0]);
  for (let node = 0, bits = 0; bits < mostPaddingBits; bits += 1) {
    node = tree[2 * node + 1] ?? 0;
    endings.add(node);
  }
  return endings;
}

function step(tree: Tree, endings: ReadonlySet<number>, state: number, bits: number): number {
  let node = state;
  let ended = 0;
  for (let bit = 3; bit >= 0; bit -= 1) {
    const child = tree[2 * node + ((bits >>> bit) & 1)] ?? 0;
    if (child >= 0) {
      node = child;
      continue;
    }
    if (~child === eos) return refused;
    ended = endsSymbol | (~child << symbolShift);
    node = 0;
  }
  return node | ended | (endings.has(node) ? mayEnd : 0);
}
