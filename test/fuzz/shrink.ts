/** Takes out pieces, the large ones first, for as long as what is left still shows it. */
export async function shrink(bytes: Buffer, shows: (candidate: Buffer) => Promise<boolean>): Promise<Buffer> {
  let smallest = bytes;
  for (let size = Math.ceil(bytes.length / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < smallest.length; ) {
      const candidate = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
      if (await shows(candidate)) smallest = candidate;
      else at += size;
    }
  }
  return smallest;
}
