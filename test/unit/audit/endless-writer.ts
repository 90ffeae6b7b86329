import fs from 'node:fs';
import { exchange, openTrail } from './trail.ts';

/** Commits records for ever and prints the id of each one that was acknowledged. Killed by its test; not a test itself. */
const trail = openTrail(process.argv[2] ?? '', { segmentBytes: 60_000 });
for (let n = 1; ; n += 8) {
  const ids = Array.from({ length: 8 }, (_, index) => `${process.pid}-${n + index}`);
  const results = await Promise.all(ids.map((id) => trail.stream.commit(exchange(id))));
  fs.writeSync(
    1,
    ids
      .filter((_, index) => results[index] === 'written')
      .map((id) => `${id}\n`)
      .join(''),
  );
}
