import { connect } from 'node:net';
import { launch, writeConfig } from '../../../bench/peers/launch.ts';
import { freePort } from '../../../bench/peers/opa.ts';
import { findProgram, programPath, programVersion } from '../../../bench/peers/programs.ts';
import type { Bench } from '../../../bench/run.ts';
import { newFolder } from '../../harness/proxy.ts';

/** Undefined where it is not installed. */
export function nginxVersion(): string | undefined {
  return findProgram('nginx') === undefined ? undefined : programVersion('nginx');
}

/** nginx with its defaults in front of a workload. @returns what sends it some bytes, and reads until it closes */
export async function startNginx(t: Bench, workloadPort: number): Promise<(bytes: Buffer) => Promise<string>> {
  const folder = newFolder(t);
  const port = await freePort();
  const config = writeConfig(folder, '../../test/fuzz/peers/nginx.conf', { PORT: port, WORKLOAD: workloadPort });
  const words = ['-e', 'stderr', '-p', `${folder}/`, '-c', config];
  await launch(t, { command: programPath('nginx'), words, folder, port });
  return (bytes) => send(port, bytes);
}

function send(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
    socket.end(bytes);
  });
}
