/**
 * Ends the compiler process when whoever started it is gone. A thread, because the process itself is inside
 * WebAssembly and hears nothing: without it, a proxy that was killed would leave an endless test running for ever.
 */
import { workerData } from 'node:worker_threads';

const pollMs = 500;

setInterval(() => {
  if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL');
}, pollMs);
