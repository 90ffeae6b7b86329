import { connect, type OnReadOpts, type Socket } from 'node:net';
import type { SpiffeId } from '../../certs/spiffe-id.ts';
import type { Address, WorkloadConfig } from '../config/config.ts';
import type { Denial } from '../denial.ts';
import { connectFailure } from './failure.ts';

/** What one connection to the workload goes over. */
export type Link = {
  readonly socket: Socket;
  /** What the socket says when it is open. */
  readonly opensWith: 'connect' | 'secureConnect';
  /** Whether what it has written counts as unwritten until the turn of the event loop ends, as under TLS it does. */
  readonly tellsLate: boolean;
  /** Asked once, when it is open and before any byte is sent on it: why none may be. */
  readonly refusal: () => Denial | undefined;
  /** Why it did not open; without an error it took too long. */
  readonly failure: (error?: Error) => Denial;
  /** Why it ends. One that is busy may be good enough to end its exchange, and not to begin another. */
  readonly over: (busy: boolean) => Denial | undefined;
  /** Who is at its other end, where that has been verified. */
  readonly peer: () => SpiffeId | undefined;
};

/** How connections to one workload are opened. */
export type OpenLink = (onread: OnReadOpts) => Link;

/** The same for a workload that has to show who it is. */
export type OpenTlsLink = (workload: WorkloadConfig, onread: OnReadOpts) => Link;

/** TLS where the configuration asks for it, and nothing less. */
export function linksTo(workload: WorkloadConfig, openTls: OpenTlsLink): OpenLink {
  return workload.tls === undefined ? plainLinks(workload) : (onread) => openTls(workload, onread);
}

/** Who listens there is known by the address alone. */
export function plainLinks({ address }: Pick<WorkloadConfig, 'address'>): OpenLink {
  return (onread) => ({
    socket: connect({ ...placeOf(address), noDelay: true, onread }),
    opensWith: 'connect',
    tellsLate: false,
    refusal: nothing,
    failure: connectFailure,
    over: nothing,
    peer: nothing,
  });
}

const nothing = () => undefined;

/** As `net` and `tls` want it. */
export function placeOf(
  address: Address,
): { readonly host: string; readonly port: number } | { readonly path: string } {
  return address.kind === 'tcp' ? { host: address.host, port: address.port } : { path: address.path };
}
