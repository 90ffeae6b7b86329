/** Extended key usages in the order of Go's numbers, by the names that OPA gives them. */
const usages = [
  ['KeyUsageAny', '2.5.29.37.0'],
  ['KeyUsageServerAuth', '1.3.6.1.5.5.7.3.1'],
  ['KeyUsageClientAuth', '1.3.6.1.5.5.7.3.2'],
  ['KeyUsageCodeSigning', '1.3.6.1.5.5.7.3.3'],
  ['KeyUsageEmailProtection', '1.3.6.1.5.5.7.3.4'],
  ['KeyUsageIPSECEndSystem', '1.3.6.1.5.5.7.3.5'],
  ['KeyUsageIPSECTunnel', '1.3.6.1.5.5.7.3.6'],
  ['KeyUsageIPSECUser', '1.3.6.1.5.5.7.3.7'],
  ['KeyUsageTimeStamping', '1.3.6.1.5.5.7.3.8'],
  ['KeyUsageOCSPSigning', '1.3.6.1.5.5.7.3.9'],
  ['KeyUsageMicrosoftServerGatedCrypto', '1.3.6.1.4.1.311.10.3.3'],
  ['KeyUsageNetscapeServerGatedCrypto', '2.16.840.1.113730.4.1'],
  ['KeyUsageMicrosoftCommercialCodeSigning', '1.3.6.1.4.1.311.2.1.22'],
  ['KeyUsageMicrosoftKernelCodeSigning', '1.3.6.1.4.1.311.61.1.1'],
] as const;

const numbers = new Map<string, number>(usages.map(([, oid], number) => [oid, number]));
const oids = new Map<string, string>(usages.map(([name, oid]) => [name, oid]));

export const anyUsage = '2.5.29.37.0';
export const serverUsage = '1.3.6.1.5.5.7.3.1';

/** Go's number of a usage. */
export const knownUsage = (oid: string): number | undefined => numbers.get(oid);

/** The object identifier of a name such as `KeyUsageClientAuth`. */
export const usageNamed = (name: string): string | undefined => oids.get(name);
