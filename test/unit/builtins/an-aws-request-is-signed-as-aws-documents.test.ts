import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import type { Value } from '../../../policy/value/value.ts';
import { call } from './call.ts';

const config = {
  aws_access_key: 'AKIDEXAMPLE',
  aws_secret_access_key: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  aws_region: 'us-east-1',
  aws_service: 'iam',
};
const timeNs = BigInt(Date.UTC(2015, 7, 30, 12, 36)) * 1_000_000n;

type Signed = { readonly headers: { readonly [name: string]: string } };
const sign = (request: { [name: string]: Value }, more: { [name: string]: Value } = {}, time: Value = timeNs) =>
  call('providers.aws.sign_req', request, { ...config, ...more }, time) as unknown as Signed;
const signatureOf = (signed: Signed) => /Signature=(.*)$/.exec(signed.headers['Authorization'] ?? '')?.[1];

test('the example of the IAM guide has the signature that is printed there', async (t) => {
  const signed = sign({
    method: 'GET',
    url: 'https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8' },
  });
  t.equal(signatureOf(signed), '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7');
  t.equal(signed.headers['x-amz-date'], '20150830T123600Z');
  t.match(signed.headers['Authorization'], 'SignedHeaders=content-type;host;x-amz-date,');
});

test('headers that proxies change are sent and not signed', async (t) => {
  const plain = sign({ method: 'GET', url: 'https://a.test/' });
  const more = sign({ method: 'GET', url: 'https://a.test/', headers: { 'User-Agent': 'x', authorization: 'y' } });
  t.equal(signatureOf(more), signatureOf(plain));
  t.match(more.headers, { 'User-Agent': 'x', authorization: 'y' });
});

test('user, port and path are signed as they go over the wire', async (t) => {
  const signed = sign({ method: 'GET', url: 'https://user:secret@a.test:8443/a%2Fb' });
  t.equal(signed.headers['host'], 'a.test:8443');
  t.equal(
    signatureOf(sign({ method: 'GET', url: 'https://a.test/a b/ü' })),
    signatureOf(sign({ method: 'GET', url: 'https://a.test/a%20b/%C3%BC' })),
  );
  const slash = sign({ method: 'GET', url: 'https://a.test/a%2Fb' });
  t.not(signatureOf(slash), signatureOf(sign({ method: 'GET', url: 'https://a.test/a/b' })));
});

test('what is missing, of another type, or no time of ours fails the call', async (t) => {
  const request = { method: 'GET', url: 'https://a.test/' };
  for (const wrong of [
    {},
    { method: 'GET' },
    { ...request, method: 1 },
    { ...request, colour: 'red' },
    { ...request, headers: [] },
  ]) {
    t.throws(() => sign(wrong), BuiltinError);
  }
  for (const url of ['http://[::1', 'http://a.test/%zz', 'http://a.test/\n'])
    t.throws(() => sign({ ...request, url }), BuiltinError);
  for (const wrong of [{ aws_region: 1 }, { aws_service: null }, { disable_payload_signing: 'true' }]) {
    t.throws(() => sign(request, wrong), BuiltinError);
  }
  for (const time of [-1, 0.5, 1e300, 2n ** 63n, '1']) t.throws(() => sign(request, {}, time), BuiltinError);
});
