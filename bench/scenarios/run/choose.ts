import { UsageError } from '../../../proxy/cli/command.ts';
import { nearest } from '../../../proxy/config/section.ts';
import { ProxyError } from '../../../proxy/errors.ts';
import type { Peer } from '../../peers/peer.ts';
import { findProgram, type ProgramName, programs } from '../../peers/programs.ts';
import type { Scenario } from '../scenario.ts';

/** Throws UsageError. */
export function chooseScenario(name: string, all: readonly Scenario[]): Scenario {
  return named('scenario', name, all);
}

export type Chosen = { readonly peers: readonly Peer[]; readonly notes: readonly string[] };

/**
 * The peers that were named, or all that the scenario is about; of those that nobody named, who is not installed is left out, and said
 * to be. Throws UsageError for a name that nobody has, and ProxyError for one that is not installed.
 */
export function choosePeers(
  names: readonly string[],
  scenario: Scenario,
  all: readonly Peer[],
  find: (program: ProgramName) => string | undefined = findProgram,
): Chosen {
  const missing = (peer: Peer) => whatIsMissing(peer, find);
  const candidates = all.filter(({ name }) => scenario.peers?.includes(name) ?? true);
  if (names.length === 0) {
    const absent = candidates.flatMap((peer) => missing(peer) ?? []).map((why) => `left out: ${why}`);
    const peers = candidates.filter((peer) => missing(peer) === undefined);
    return { peers, notes: [...absent, ...caveats(peers)] };
  }
  const wanted = new Set(names.map((name) => named('peer', name, all)));
  for (const peer of wanted) {
    if (!candidates.includes(peer)) {
      const whom = candidates.map(({ name }) => name).join(', ');
      throw new UsageError(`the scenario ${scenario.name} is not about ${peer.name}; it is about ${whom}`);
    }
    const why = missing(peer);
    if (why !== undefined) throw new ProxyError('bench-peer-unusable', why);
  }
  const peers = all.filter((peer) => wanted.has(peer));
  return { peers, notes: caveats(peers) };
}

function caveats(peers: readonly Peer[]): readonly string[] {
  return peers.flatMap(({ name, caveat }) => (caveat === undefined ? [] : [`${name}: ${caveat}`]));
}

function whatIsMissing({ name, programs: needed }: Peer, find: (program: ProgramName) => string | undefined) {
  const absent = needed.filter((program) => find(program) === undefined);
  if (absent.length === 0) return undefined;
  return `${name} needs ${absent.join(' and ')}, which is not installed: ${absent.map((each) => programs[each].remedy).join('; ')}`;
}

function named<T extends { readonly name: string }>(what: string, name: string, all: readonly T[]): T {
  const found = all.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = all.map((each) => each.name);
  const close = nearest(name, names);
  const advice = close === undefined ? '' : `; did you mean '${close}'?`;
  throw new UsageError(`unknown ${what} '${name}'${advice} There are: ${names.join(', ')}`);
}
