import type { LoadRequest } from '../load/load-request.ts';

/** What `portcullis bench proxy` was asked to measure. All paths are absolute. */
export type Request = {
  readonly configFile: string;
  readonly client: Client;
  /** What is sent, in turns; undefined: a GET that the configuration has a route for. */
  readonly requests: GivenRequests | undefined;
  readonly workload: 'configured' | 'builtin';
  readonly rates: readonly number[];
  readonly connections: number;
  readonly seconds: number;
  readonly rounds: number;
  /** How late the generator itself may be, at its 99th percentile. */
  readonly lagBoundMs: number;
  /** Whether to switch the filters on one after the other. */
  readonly filters: boolean;
  /** Whether to measure a new connection for each request. */
  readonly handshakes: boolean;
  /** `-` is standard output. */
  readonly json: string | undefined;
  readonly html: string | undefined;
};

/** Who asks: somebody for whom a certificate is issued, or whoever has these. */
export type Client =
  | { readonly kind: 'issued'; readonly id: string }
  | { readonly kind: 'files'; readonly certFile: string; readonly keyFile: string };

export type GivenRequests =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'one'; readonly request: LoadRequest; readonly bodyFile: string | undefined };
