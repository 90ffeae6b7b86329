import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { parentPort, workerData } from 'node:worker_threads';

/** What the thread is started with: it listens with TLS, and tells its port. */
export type AnsweringThread = {
  readonly certPem: string;
  readonly keyPem: string;
  /** Sent for whatever comes. */
  readonly answer: string;
  /** How many answers have left, and how many connections there were. */
  readonly counts: Int32Array;
};

const { certPem, keyPem, answer, counts } = workerData as AnsweringThread;
const server = createServer({ cert: certPem, key: keyPem }, (socket) => {
  Atomics.add(counts, 1, 1);
  socket.on('error', () => undefined);
  socket.on('data', () => {
    socket.write(answer, () => {
      Atomics.add(counts, 0, 1);
      Atomics.notify(counts, 0);
    });
  });
});
server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port));
