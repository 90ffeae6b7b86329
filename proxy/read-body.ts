import { type Denial, deny } from './denial.ts';
import type { RequestBody } from './exchange.ts';

/**
 * Collects a whole body. Over the cap it is a denial, never a shorter body: policy must not see "no body" where bytes
 * were sent (CVE-2026-65838). A declared length over the cap is refused before a byte is asked for.
 */
export function readBody(body: RequestBody, maxBytes: number): Promise<Buffer | Denial> {
  if ((body.declaredBytes ?? 0) > maxBytes) return Promise.resolve(deny('body-too-large'));
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    body.consume({
      chunk: (data) => {
        bytes += data.length;
        if (bytes <= maxBytes) return void chunks.push(data);
        // The rest stays unread; the answer closes the connection.
        body.pause();
        resolve(deny('body-too-large'));
      },
      end: () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, bytes)),
      failed: resolve,
    });
  });
}
