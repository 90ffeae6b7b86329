import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createTar } from 'nanotar';
import type { PolicyBundle } from '../../../policy/bundle/bundle.ts';
import { bundleFromFiles } from '../../../policy/bundle/load.ts';
import { unpackBundle } from '../../../policy/bundle/read.ts';

export type Content = Readonly<Record<string, string | Uint8Array>>;

/** Compiling takes a second, and the cache checks what it reads. */
export const cacheFolder = join(tmpdir(), 'portcullis-test-bundle-cache');

export const entrypoint = 'test/decision';

export const rego = 'package test\n\ndecision := data.users.admin == input.user\n';

/** As `opa build` writes it: names with a leading slash. */
export const opaBundle: Content = {
  '/data.json': '{"users":{"admin":"x"}}\n',
  '/policy/p.rego': rego,
  '/.manifest': '{"revision":"v1.2","roots":[""],"rego_version":1}\n',
};

export function tarOf(content: Content): Uint8Array {
  const tar = createTar(Object.entries(content).map(([name, data]) => ({ name, data: Buffer.from(data) })));
  return Buffer.concat([tar, Buffer.alloc(1024)]);
}

export const packed = (content: Content): Uint8Array => gzipSync(tarOf(content));

export async function load(content: Content | Uint8Array, wanted = entrypoint): Promise<PolicyBundle> {
  const bytes = content instanceof Uint8Array ? content : packed(content);
  return bundleFromFiles({ path: 'b.tar.gz', entrypoint: wanted, cacheFolder }, await unpackBundle('b.tar.gz', bytes));
}

/** One entry with its header made by hand. */
export function entry(
  name: string,
  { type = '0', body = '', size = Buffer.byteLength(body).toString(8).padStart(11, '0') } = {},
): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 'utf8');
  header.write('0000600\0', 100);
  header.write(`${size}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, Buffer.from(body), Buffer.alloc((512 - (Buffer.byteLength(body) % 512)) % 512)]);
}

export const archive = (...entries: readonly Buffer[]): Uint8Array =>
  gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)]));

export function writeContent(folder: string, content: Content): string {
  for (const [name, data] of Object.entries(content)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), data);
  }
  return folder;
}
