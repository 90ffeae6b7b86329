/** No bytes: of those one buffer is enough. */
export const nothing = Buffer.alloc(0);

/** Up to this much body is copied behind its head: cheaper than a write, a TLS record and a packet of its own. */
const copiedBytes = 16 * 1024;

/** The head and a small body as one buffer, so that they leave in one write; undefined where the body is too large. */
export function oneBuffer(head: string, body: Buffer): Buffer | undefined {
  if (body.length > copiedBytes) return undefined;
  const bytes = Buffer.allocUnsafe(head.length + body.length);
  bytes.write(head, 0, 'latin1');
  body.copy(bytes, head.length);
  return bytes;
}

/** What comes after the first so many bytes. Most of the time that is nothing, of which no view need be made. */
export function behind(bytes: Buffer, first: number): Buffer {
  return first === bytes.length ? nothing : bytes.subarray(first);
}
