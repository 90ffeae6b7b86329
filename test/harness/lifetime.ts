import { X509Certificate } from 'node:crypto';
import { setTimeout as until } from 'node:timers/promises';
import type { ClientCredential } from './client.ts';

export function serialOf({ certPem }: ClientCredential): string {
  return new X509Certificate(certPem).serialNumber;
}

/** Resolves when the certificate has expired by the clock of this machine, which is the proxy's too. */
export async function untilExpired({ certPem }: ClientCredential): Promise<void> {
  const { validToDate } = new X509Certificate(certPem);
  while (Date.now() <= validToDate.getTime()) await until(validToDate.getTime() - Date.now() + 1);
}
