import { integer } from '../../value/number.ts';
import type { PlainObject, Value } from '../../value/value.ts';
import { type BuiltinContext, BuiltinError } from '../builtin.ts';
import { signatureAlgorithmOf } from './algorithm.ts';
import { rightAligned } from './certificate.ts';
import { extensionValue, namesValue } from './certificate-value.ts';
import { bigintOf, bitsOf, booleanOf, contextTag, type Der, oidOf, readWhole, tags, wanted } from './der.ts';
import { type Extension, readExtensions } from './extensions.ts';
import { alternativeNamesOf } from './general-names.ts';
import { nameValue, oidValue, orNull } from './name.ts';
import { publicKeyOf } from './public-key.ts';
import { stringOf } from './text.ts';

const extensionRequest = '1.2.840.113549.1.9.14';
const subjectAlternativeName = '2.5.29.17';
const requestSteps = 5_000;

/** A PKCS #10 request (RFC 2986) as Go's x509.CertificateRequest is in JSON. Throws BuiltinError. */
export function requestValue(context: BuiltinContext, bytes: Buffer): Value {
  context.charge(requestSteps + Math.ceil(bytes.length / 64));
  const request = readWhole(bytes);
  const [info, algorithm, signature] = wanted(request, tags.sequence, 'certificate request').children;
  const [version, subject, publicKey, attributes] = wanted(info, tags.sequence, 'certificate request').children;
  if (info === undefined || subject === undefined || publicKey === undefined)
    throw new BuiltinError('malformed request');
  const all = attributes?.tag === contextTag(0, true) ? attributes.children : [];
  const key = publicKeyOf(publicKey);
  const extensions = all.flatMap(requestedExtensions);
  const names = extensions.find(({ id }) => id === subjectAlternativeName);
  return {
    Raw: request.raw.toString('base64'),
    RawTBSCertificateRequest: info.raw.toString('base64'),
    RawSubjectPublicKeyInfo: publicKey.raw.toString('base64'),
    RawSubject: subject.raw.toString('base64'),
    Version: integer(bigintOf(version, 'version')),
    Signature: rightAligned(bitsOf(signature, 'signature')).toString('base64'),
    SignatureAlgorithm: signatureAlgorithmOf(wanted(algorithm, tags.sequence, 'signature algorithm'))?.number ?? 0,
    PublicKeyAlgorithm: key.algorithm,
    PublicKey: key.value,
    Subject: nameValue(subject),
    Attributes: orNull(all.flatMap((attribute) => attributeValue(attribute) ?? [])),
    Extensions: orNull(extensions.map(extensionValue)),
    ExtraExtensions: null,
    ...namesValue(names === undefined ? undefined : alternativeNamesOf(readWhole(names.value))),
  };
}

function requestedExtensions(attribute: Der): readonly Extension[] {
  const [type, values] = wanted(attribute, tags.sequence, 'attribute').children;
  if (oidOf(type, 'attribute') !== extensionRequest) return [];
  return readExtensions(wanted(wanted(values, tags.set, 'attribute').children[0], tags.sequence, 'attribute'));
}

/** Undefined for what is no set of sequences of a type and a value, such as a challenge password: Go leaves it out. */
function attributeValue(attribute: Der): PlainObject | undefined {
  const [type, values] = attribute.children;
  if (values?.tag !== tags.set || !values.children.every(isListOfPairs)) return undefined;
  return {
    Type: oidValue(oidOf(type, 'attribute')),
    Value: values.children.map(({ children }) =>
      children.map(({ children: [name, value] }) => ({
        Type: oidValue(oidOf(name, 'attribute')),
        Value: anyValue(value),
      })),
    ),
  };
}

const isListOfPairs = ({ tag, children }: Der): boolean =>
  tag === tags.sequence && children.every((pair) => pair.tag === tags.sequence && pair.children[0]?.tag === tags.oid);

function anyValue(element: Der | undefined): Value {
  if (element === undefined) return null;
  switch (element.tag) {
    case tags.boolean:
      return booleanOf(element, 'attribute');
    case tags.integer:
      return integer(bigintOf(element, 'attribute'));
    case tags.octetString:
      return element.content.toString('base64');
    case tags.oid:
      return oidValue(oidOf(element, 'attribute'));
    default:
      return stringOf(element);
  }
}
