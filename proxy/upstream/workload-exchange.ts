import type { Dispatcher } from 'undici';
import { type Denial, deny } from '../denial.ts';
import { upstreamFailure } from './failure.ts';
import {
  type ResponseBody,
  type ResponseConsumer,
  readResponseHead,
  type WorkloadResponse,
} from './workload-response.ts';

type Controller = Dispatcher.DispatchController;

export type ExchangeRules = {
  readonly method: string;
  readonly maxResponseBytes: number;
  readonly closeDelimited: boolean;
};

/** More interim responses than this are an attempt to keep us busy (undici itself takes a thousand). */
const maxInterim = 8;

/**
 * One request on its way to the workload: undici's handler on one side, a response or a Denial on the other. It settles
 * exactly once; after that the response body has its own end or failure.
 */
export class WorkloadExchange implements Dispatcher.DispatchHandler, ResponseBody {
  readonly #rules: ExchangeRules;
  readonly #sent: () => void;
  readonly #settle: (outcome: WorkloadResponse | Denial) => void;
  #controller: Controller | undefined;
  #consumer: ResponseConsumer | undefined;
  #settled = false;
  #cause: Denial | undefined;
  #interim = 0;
  #received = 0;
  /** What came before the consumer did. */
  #early: Buffer[] = [];
  #ended: 'end' | Denial | undefined;

  /** @param sent told when the request is handed to a connection: from then on the workload may have seen it */
  constructor(rules: ExchangeRules, sent: () => void, settle: (outcome: WorkloadResponse | Denial) => void) {
    this.#rules = rules;
    this.#sent = sent;
    this.#settle = settle;
  }

  /** Ends the exchange for a reason of ours, which then is its outcome whatever undici reports. */
  cancel(cause: Denial): void {
    this.#cause ??= cause;
    this.#controller?.abort(new Error(cause.code));
    if (!this.#settled) this.#finish(cause);
    else this.#over(this.#cause);
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#settled) return controller.abort(new Error('cancelled'));
    this.#sent();
  }

  onResponseStart(controller: Controller, status: number): void {
    if (status < 200) {
      // Nothing was asked to be switched, and what follows a 101 is no HTTP (CVE-2026-73548).
      if (status < 100 || status === 101)
        return this.cancel(deny('upstream-malformed', { detail: 'an impossible status' }));
      this.#interim += 1;
      if (this.#interim > maxInterim) this.cancel(deny('upstream-malformed', { detail: 'too many interim responses' }));
      return;
    }
    if (this.#settled) return;
    const raw = (controller.rawHeaders as readonly (Buffer | string)[]).map((part) => part.toString('latin1'));
    const head = readResponseHead(this.#rules.method, status, raw, this.#rules.closeDelimited);
    if ('code' in head) return this.cancel(head);
    if (head.framing.kind === 'length' && head.framing.bytes > this.#rules.maxResponseBytes) {
      return this.cancel(deny('upstream-too-large'));
    }
    this.#finish({ ...head, body: this });
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#received += chunk.length;
    if (this.#received > this.#rules.maxResponseBytes) return this.cancel(deny('upstream-too-large'));
    if (this.#consumer !== undefined) return this.#consumer.chunk(chunk);
    this.#early.push(chunk);
    controller.pause();
  }

  onResponseEnd(): void {
    this.#over('end');
  }

  onResponseError(_controller: Controller, error: Error): void {
    const denial = this.#cause ?? upstreamFailure(error, this.#controller !== undefined);
    if (this.#settled) this.#over(denial);
    else this.#finish(denial);
  }

  consume(consumer: ResponseConsumer): void {
    this.#consumer = consumer;
    for (const chunk of this.#early.splice(0)) consumer.chunk(chunk);
    if (this.#ended !== undefined) this.#tell(this.#ended);
    else this.resume();
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    if (this.#controller?.paused) this.#controller.resume();
  }

  abort(): void {
    this.cancel(deny('client-aborted'));
  }

  #finish(outcome: WorkloadResponse | Denial): void {
    this.#settled = true;
    this.#settle(outcome);
  }

  #over(how: 'end' | Denial): void {
    if (this.#ended !== undefined) return;
    this.#ended = how;
    if (this.#consumer !== undefined) this.#tell(how);
  }

  #tell(how: 'end' | Denial): void {
    if (how === 'end') this.#consumer?.end();
    else this.#consumer?.failed(how);
  }
}
