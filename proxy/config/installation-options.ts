import { file } from './scalars.ts';
import { required, section } from './section.ts';

const restart = 'restart';

export const installationOptions = section(
  'installation',
  'Before anything else at a start, the files of the program (Node and what it is linked with, the JavaScript, the packages, what V8 has compiled of them) are ' +
    'compared with `SHA256SUMS` at its root, and that with your signature: `openssl dgst -sha256 -sign KEY -out FILE SHA256SUMS`. A file that is ' +
    'another, is missing or is not among them, or another signature: it does not start. `profile: regulated` and `fips` warn where this section is missing. ' +
    'It costs 0.3s of a start. Who replaces the files of the check as well is not found by it: for that the image is pinned by its digest and its root is read-only.',
  {
    public_key: required(file('certificates', 'a PEM file'), {
      doc: 'The public key of whom you trust to sign: ECDSA on P-256 or P-384.',
      reload: restart,
    }),
    signature: required(file('certificates', 'a file'), {
      doc: 'The signature of `SHA256SUMS`, in DER as openssl writes it.',
      reload: restart,
    }),
  },
);
