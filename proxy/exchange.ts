import type { PeerSvid } from '../certs/peer.ts';
import type { SpiffeId } from '../certs/spiffe-id.ts';
import type { WorkloadConfig } from './config/config.ts';
import type { Departure } from './departure.ts';
import type { HeaderList } from './header-list.ts';
import type { Snapshot } from './snapshot.ts';
import type { RequestBody } from './transport.ts';

/** What is known of a connection once and for all when its handshake ends. */
export type ConnectionFacts = {
  readonly id: string;
  readonly openedMs: number;
  readonly peer: PeerSvid;
  readonly remote: { readonly ip: string; readonly port: number };
  readonly local: { readonly ip: string; readonly port: number };
  /** Node does not tell a server with which signature algorithm the client proved its key. */
  readonly tls: {
    readonly version: string;
    readonly cipher: string;
    readonly group?: string | undefined;
    /** Undefined where the client offered no protocol: then it is HTTP/1.1. */
    readonly alpn: 'h2' | 'http/1.1' | undefined;
  };
  /** The host name that the client put into its ClientHello, lower case. */
  readonly serverName: string | undefined;
};

/** `to`: the workload or its standby, once it may have seen something; `workload`: who it was, where TLS has proved that. */
type Sent = { to: WorkloadConfig | undefined; workload: SpiffeId | undefined };

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
  readonly sent: Sent;
  /** When the client goes away. */
  readonly departure: Departure;
  /** Run when the exchange is over, however it ended: leases are given back here. */
  readonly atEnd: (() => void)[];
};
