import type { Value } from '../../../policy/value/value.ts';
import { authorityPem } from '../../pki/authority.ts';
import { type LeafOptions, makePki, type Pki } from '../../pki/pki.ts';
import { call, requestTimeMs } from './call.ts';

export const pki: Pki = await makePki({ trustDomain: 'a.test', nowMs: requestTimeMs });
export const rootPem = authorityPem(pki.root);
export const intermediatePem = authorityPem(pki.intermediate);

/** A leaf behind the certificates above it, in the order that Rego wants: the root first. */
export async function chainPem(options: LeafOptions = {}, above = [rootPem, intermediatePem]): Promise<string> {
  const { certPem } = await pki.issue({ ...options, presented: [] });
  return [...above, certPem].join('');
}

/** How many certificates the chain has; 0 when it is not verified. */
export function verified(pem: string, options: { [name: string]: Value } = { KeyUsages: ['KeyUsageAny'] }): number {
  const answer = call('crypto.x509.parse_and_verify_certificates_with_options', pem, options);
  if (!Array.isArray(answer)) throw new Error('no answer');
  const [isValid, chain] = answer as [boolean, readonly Value[]];
  return isValid ? chain.length : 0;
}

/** The NameConstraints extension with one permitted or excluded name. */
export function nameConstraint(which: 'permitted' | 'excluded', tag: number, name: string | readonly number[]): Buffer {
  const value = Buffer.from(name);
  const tlv = (id: number, content: Uint8Array) => Buffer.concat([Buffer.of(id, content.length), content]);
  return tlv(0x30, tlv(which === 'permitted' ? 0xa0 : 0xa1, tlv(0x30, tlv(tag, value))));
}
