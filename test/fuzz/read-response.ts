import type { Denial } from '../../proxy/denial.ts';
import type { FinalHead } from '../../proxy/http1/response-head.ts';
import { ResponseReader } from '../../proxy/http1/response-reader.ts';

/** Everything the reader says about some bytes, and about the end of the connection behind them. */
export type ResponseReading =
  | { readonly refused: string; readonly detail: string }
  | { readonly head: FinalHead; readonly body: string; readonly left: string; readonly keepsConnection: boolean };

/** Gives the pieces to the reader as a connection does, each in memory that is used again at once; then the end. */
export function readResponse(pieces: readonly Buffer[], method: string): ResponseReading {
  const reader = new ResponseReader(method);
  const memory = Buffer.alloc(pieces.reduce((most, { length }) => Math.max(most, length), 0));
  let head: FinalHead | undefined;
  let body = '';
  for (const [index, piece] of pieces.entries()) {
    piece.copy(memory);
    const arrived = reader.read(memory.subarray(0, piece.length));
    if ('code' in arrived) return refusal(arrived);
    head ??= arrived.head;
    body += Buffer.concat(arrived.data).toString('latin1');
    memory.fill('#');
    if (!arrived.done || head === undefined) continue;
    const left = Buffer.concat([piece.subarray(arrived.consumed), ...pieces.slice(index + 1)]).toString('latin1');
    return { head, body, left, keepsConnection: reader.keepsConnection };
  }
  const refused = reader.endOfInput();
  if (refused !== undefined) return refusal(refused);
  if (head === undefined) throw new Error('an answer without a head is whole');
  return { head, body, left: '', keepsConnection: reader.keepsConnection };
}

function refusal({ code, detail = '' }: Denial): ResponseReading {
  return { refused: code, detail };
}
