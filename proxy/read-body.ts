import { bodyPieces } from './body-pieces.ts';
import { type Denial, type DenialCode, deny } from './denial.ts';
import type { BodyConsumer } from './transport.ts';
import type { Hold } from './limit/held-bytes.ts';

type Source = { readonly consume: (consumer: BodyConsumer) => void };

export type Collecting = {
  readonly maxBytes: number;
  /** What it is called when there is more. */
  readonly tooLarge: DenialCode;
  readonly hold: Hold;
  /** Nobody takes the rest. */
  readonly stop: () => void;
};

/**
 * Collects a whole body; at once where it has arrived already. Over a cap it is a denial, never a shorter body: policy must
 * not see "no body" where bytes were sent (CVE-2026-65838).
 */
export function readBody(source: Source | Buffer, collecting: Collecting): Buffer | Denial | Promise<Buffer | Denial> {
  if (Buffer.isBuffer(source)) return refusal(source.length, source.length, collecting) ?? source;
  const { maxBytes, stop } = collecting;
  const pieces = bodyPieces(maxBytes);
  let bytes = 0;
  let outcome: Buffer | Denial | undefined;
  let settle: ((outcome: Buffer | Denial) => void) | undefined;
  const finish = (how: Buffer | Denial) => {
    outcome ??= how;
    settle?.(outcome);
  };
  source.consume({
    chunk: (data) => {
      bytes += data.length;
      const refused = refusal(bytes, data.length, collecting);
      if (refused === undefined) return pieces.add(data);
      finish(refused);
      stop();
    },
    end: () => finish(oneOf(pieces.all(), bytes)),
    failed: finish,
  });
  return outcome ?? new Promise((resolve) => (settle = resolve));
}

function oneOf(buffers: readonly Buffer[], bytes: number): Buffer {
  const [only] = buffers;
  return only !== undefined && buffers.length === 1 ? only : Buffer.concat(buffers, bytes);
}

function refusal(bytes: number, more: number, { maxBytes, tooLarge, hold }: Collecting): Denial | undefined {
  if (bytes > maxBytes) return deny(tooLarge);
  return hold.add(more) ? undefined : deny('overloaded', { detail: 'no room to hold one more body' });
}
