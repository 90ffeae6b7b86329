import type { PeerSvid } from '../certs/peer.ts';
import type { Denial } from './denial.ts';
import type { HeaderList } from './header-list.ts';
import type { Snapshot } from './snapshot.ts';

/** What is known of a connection once and for all when its handshake ends. */
export type ConnectionFacts = {
  readonly id: string;
  readonly openedMs: number;
  readonly peer: PeerSvid;
  readonly remote: { readonly ip: string; readonly port: number };
  readonly local: { readonly ip: string; readonly port: number };
  /** Node tells a server neither the key agreement group nor the signature algorithm that was negotiated. */
  readonly tls: { readonly version: string; readonly cipher: string };
  /** The host name that the client put into its ClientHello, lower case. */
  readonly serverName: string | undefined;
};

/** Receives a request body. After `end` or `failed` nothing more comes. */
export type BodyConsumer = {
  readonly chunk: (data: Buffer) => void;
  readonly end: () => void;
  readonly failed: (denial: Denial) => void;
};

/** A request body that is still arriving; the transport reads on only as fast as its consumer takes. */
export interface RequestBody {
  /** From Content-Length; undefined when only the end will tell. */
  readonly declaredBytes: number | undefined;
  readonly receivedBytes: number;
  /** Starts the delivery; to be called once. Until then the client's `100 Continue` is withheld. */
  consume(consumer: BodyConsumer): void;
  pause(): void;
  resume(): void;
}

/** How an answer's body ends. */
export type AnswerFraming =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  /** HEAD, 204 and 304: no body whatever the headers say. */
  | { readonly kind: 'bodiless'; readonly declaredBytes: number | undefined };

/** Where the one final answer of an exchange goes; the protocol behind it does not show. */
export interface AnswerSink {
  /** True once a byte of the final answer may have left. */
  readonly started: boolean;
  readonly bytesOut: number;
  /** Held back until the first `write` or `end`, so that a small answer leaves in one piece. */
  head(status: number, headers: HeaderList, framing: AnswerFraming, close: boolean): void;
  /** @returns false when the client is behind; `onDrain` tells when to go on */
  write(chunk: Buffer): boolean;
  end(last: Buffer | undefined): void;
  /** Breaks the connection off, so that the client cannot take what it has for the whole. */
  abort(): void;
  onDrain(listener: () => void): void;
}

/** The facts every exchange begins with, whatever its protocol. */
export type Accepted = {
  readonly id: string;
  readonly receivedMs: number;
  readonly beganNs: bigint;
  /** Which request of its connection this is, from 1. */
  readonly number: number;
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderList;
  /** The body as it arrives; a filter that decides about it adds a fact of its own. */
  readonly incoming: RequestBody | undefined;
  /** Body bytes that have arrived by now. */
  readonly bytesIn: () => number;
  readonly connection: ConnectionFacts;
  /** What this request is judged by from its first byte to its record, even when a newer one comes into force. */
  readonly snapshot: Snapshot;
  /** How far it came; the one fact that changes while a filter is at work. */
  readonly sent: { toWorkload: boolean };
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  /** Run when the exchange is over, however it ended: leases are given back here. */
  readonly atEnd: (() => void)[];
};
