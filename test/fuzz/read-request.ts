import { type BodyDecoder, bodyDecoder } from '../../proxy/http1/body-decoder.ts';
import type { Denial } from '../../proxy/denial.ts';
import { HeadReader, type RequestHead } from '../../proxy/http1/request-head.ts';

/** The limits of a default configuration. */
export const limits = { maxHeadBytes: 16 * 1024, maxHeaders: 100 };

/** Everything the readers say about some bytes. */
export type Reading =
  | { readonly refused: string; readonly detail: string }
  | { readonly more: 'head' | 'body' }
  | WholeRequest;

export type WholeRequest = { readonly head: RequestHead; readonly body: string; readonly left: string };

/** Gives the pieces to the readers as a connection does, one after the other. */
export function readRequest(pieces: readonly Buffer[]): Reading {
  const reader = new HeadReader(limits);
  let pending: Buffer = Buffer.alloc(0);
  let head: RequestHead | undefined;
  let decode: BodyDecoder | undefined;
  let body = '';
  let done = false;
  for (const piece of pieces) {
    pending = Buffer.concat([pending, piece]);
    if (head === undefined) {
      const found = reader.read(pending);
      if (found === undefined) continue;
      if ('code' in found.head) return refusal(found.head);
      head = found.head;
      pending = pending.subarray(found.bytes);
      if (head.framing.kind === 'none') done = true;
      else decode = bodyDecoder(head.framing);
    }
    if (done || decode === undefined || pending.length === 0) continue;
    const decoded = decode(pending);
    if ('code' in decoded) return refusal(decoded);
    body += Buffer.concat(decoded.data).toString('latin1');
    pending = pending.subarray(decoded.consumed);
    done = decoded.done;
  }
  if (head === undefined) return { more: 'head' };
  return done ? { head, body, left: pending.toString('latin1') } : { more: 'body' };
}

function refusal({ code, detail = '' }: Denial): Reading {
  return { refused: code, detail };
}
