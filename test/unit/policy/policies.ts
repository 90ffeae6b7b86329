import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadBuiltins } from '../../../policy/builtins/registry.ts';
import type { PolicyBundle } from '../../../policy/bundle/bundle.ts';
import { buildPolicy } from '../../../policy/compiler/compile.ts';
import { buildInput, type PolicyInput } from '../../../policy/input.ts';
import type { BodyFacts, InputFacts } from '../../../policy/input-facts.ts';
import { parseSpiffeId, parseTrustDomain } from '../../../certs/spiffe-id.ts';

/** Compiles one module whose package is `test`, and makes the built-ins ready that it calls. */
export async function compileRules(rules: string, entrypoint = 'test/decision', data?: string): Promise<PolicyBundle> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-rules-'));
  try {
    await writeFile(join(folder, 'rules.rego'), `package test\n${rules}\n`);
    const dataFile = data === undefined ? undefined : join(folder, 'data.json');
    if (dataFile !== undefined) await writeFile(dataFile, data ?? '');
    const bundle = await buildPolicy({ regoPaths: [join(folder, 'rules.rego')], dataFile, entrypoint });
    await loadBuiltins(bundle.requiredBuiltins.map(({ name }) => name));
    return bundle;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** 2026-11-23 is a Monday. */
export const mondayMorningMs = Date.UTC(2026, 10, 23, 9, 30);

export function facts(changes: Partial<InputFacts> = {}): InputFacts {
  return {
    request: {
      id: 'r-1',
      timeMs: mondayMorningMs,
      method: 'GET',
      target: '/orders/a%20b?x=1&x=2&y=',
      path: '/orders/a%20b',
      query: [
        ['x', '1'],
        ['x', '2'],
        ['y', ''],
      ],
      host: 'orders.demo.test',
      protocol: 'HTTP/1.1',
      headers: ['accept', 'text/plain', 'x-tag', 'one', 'x-tag', 'two'],
    },
    pathSegments: ['orders', 'a b'],
    peer: {
      spiffeId: parseSpiffeId('spiffe://demo.test/ns/shop/sa/web'),
      trustDomain: parseTrustDomain('demo.test'),
      path: '/ns/shop/sa/web',
      serial: '0a',
      fingerprintSha256: '00ff',
      issuer: 'CN=demo',
      notAfterMs: mondayMorningMs + 3_600_000,
    },
    source: { ip: '10.1.2.3', port: 40_000 },
    destination: { ip: '10.0.0.1', port: 8443, principal: parseSpiffeId('spiffe://demo.test/ns/shop/sa/orders') },
    route: { name: 'orders.read', template: '/orders/{id}', parameters: new Map([['id', 'a b']]) },
    body: { kind: 'none' },
    snapshotDigest: 'sha256:00',
    connection: {
      id: 'c-1',
      tlsVersion: 'TLSv1.3',
      cipher: 'x',
      openedMs: mondayMorningMs,
      requestNumber: 1,
      serverName: undefined,
    },
    ...changes,
  };
}

/** A body that was held against its schema. */
export function validated(value: unknown, contentType = 'application/json'): Extract<BodyFacts, { kind: 'validated' }> {
  const text = JSON.stringify(value);
  return { kind: 'validated', bytes: Buffer.byteLength(text), contentType, value, text: () => text };
}

export function input(changes: Partial<InputFacts> = {}): PolicyInput {
  return buildInput(facts(changes));
}
