import { readTrustBundle, type TrustBundleData } from '../../certs/trust-bundle.ts';

/** What a change of trust takes away, by serial number: the record of a revocation is to say whose it was. */
export function newlyRevoked(before: TrustBundleData, after: TrustBundleData): readonly string[] {
  const already = new Set(revokedSerials(before));
  return revokedSerials(after).filter((serial) => !already.has(serial));
}

function revokedSerials(data: TrustBundleData): readonly string[] {
  const crls = [...readTrustBundle(data).domains.values()].flatMap((domain) => domain.crls);
  return crls.flatMap((crl) => [...crl.revokedSerials]);
}
