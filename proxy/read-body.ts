import { type Denial, type DenialCode, deny } from './denial.ts';
import type { BodyConsumer } from './exchange.ts';
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
 * Collects a whole body. Over a cap it is a denial, never a shorter body: policy must not see "no body" where bytes
 * were sent (CVE-2026-65838).
 */
export function readBody(source: Source, { maxBytes, tooLarge, hold, stop }: Collecting): Promise<Buffer | Denial> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const refuse = (denial: Denial) => {
      resolve(denial);
      stop();
    };
    source.consume({
      chunk: (data) => {
        bytes += data.length;
        if (bytes > maxBytes) return refuse(deny(tooLarge));
        if (!hold.add(data.length)) return refuse(deny('overloaded', { detail: 'no room to hold one more body' }));
        chunks.push(data);
      },
      end: () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, bytes)),
      failed: resolve,
    });
  });
}
