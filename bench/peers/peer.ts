import type { Bench } from '../run.ts';
import type { PeerPki } from './pki.ts';
import type { ProgramName } from './programs.ts';

/** What a scenario wants of every peer; one that has no such thing takes no notice. */
export type Wanted = {
  /** Requests of one identity in a second; more is answered with 429. */
  readonly limitPerSecond: number;
  /** Rules that a request is judged by. */
  readonly rules: number;
  /** Routes besides the two that are asked for. */
  readonly routes: number;
  /** Threads that serve requests. */
  readonly threads: number;
  /** Whether what is compiled at the first start has been compiled by an earlier one of this run. */
  readonly compiledBefore: boolean;
  /** Whether a request waits for its record. */
  readonly audit: 'required' | 'best-effort';
};

export const usual: Wanted = {
  limitPerSecond: 1_000_000,
  rules: 100,
  routes: 0,
  threads: 1,
  compiledBefore: true,
  audit: 'required',
};

export type Setup = Wanted & {
  /** Of this peer alone: its configuration, its certificate, its log. */
  readonly folder: string;
  readonly pki: PeerPki;
  readonly workloadPort: number;
};

export type Running = {
  readonly port: number;
  /** Of every process tree that works for it. */
  readonly pids: readonly number[];
  /** Puts a changed configuration into force while it serves. */
  readonly reload?: () => void;
};

/** What a peer may do for a request besides admitting its certificate and forwarding it. */
export type Work = 'spiffe-id' | 'limit' | 'rules' | 'schema' | 'log';

/** Someone who terminates mutual TLS and forwards: a program together with one way to configure it. */
export type Peer = {
  /** One word, for the command line. */
  readonly name: string;
  readonly work: readonly Work[];
  /** The same in words, for the table. */
  readonly does: string;
  /** What its figures cannot be read without: a note below every table that has it. */
  readonly caveat?: string;
  readonly programs: readonly ProgramName[];
  readonly start: (t: Bench, setup: Setup) => Promise<Running>;
};
