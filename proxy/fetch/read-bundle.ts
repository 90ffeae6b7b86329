import { CertsError } from '../../certs/errors.ts';
import { readRootsPem, readSpiffeBundle, type SpiffeBundle } from '../../certs/spiffe-bundle.ts';
import type { TrustDomain } from '../../certs/spiffe-id.ts';
import { readStrictJson } from '../../policy/json/strict-json.ts';

/** Throws CertsError `spiffe-bundle-invalid`. */
export function readBundle(bytes: Uint8Array, trustDomain: TrustDomain): SpiffeBundle {
  const reading = readStrictJson(bytes, { maxDepth: 16 });
  if (reading.ok) return readSpiffeBundle(reading.value, trustDomain);
  throw new CertsError('spiffe-bundle-invalid', `the document is not acceptable JSON: ${reading.problem.code}`);
}

/** Of a file, which has the document or roots in PEM: no PEM begins with a brace. Throws CertsError `spiffe-bundle-invalid`. */
export function readBundleFile(bytes: Uint8Array, trustDomain: TrustDomain): SpiffeBundle {
  const text = Buffer.from(bytes).toString('latin1');
  return /^\s*\{/.test(text) ? readBundle(bytes, trustDomain) : readRootsPem(text, trustDomain);
}
