import { readFileSync } from 'node:fs';
// oxlint-disable-next-line no-restricted-imports -- an example of a caller, and no part of the proxy.
import { request } from 'node:https';

const identities = '/var/lib/portcullis/identities';
const file = (name, which) => readFileSync(`${identities}/${name}/${which}`);

/**
 * One request over mutual TLS as `name`, or without a certificate; with a body it is a POST of JSON. Resolves to the status and the body, or to `refused`
 * when the connection was. Whom we speak to is its SPIFFE ID and no host name.
 */
export function call({ as: name, service, path, body }) {
  const credential = name === undefined ? {} : { cert: file(name, 'svid.pem'), key: file(name, 'svid.key') };
  const options = {
    ...credential,
    ca: file(name ?? 'web', 'bundle.pem'),
    agent: false,
    minVersion: 'TLSv1.3',
    method: body === undefined ? 'GET' : 'POST',
    headers:
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    timeout: 5000,
    checkServerIdentity: (_host, { subjectaltname = '' }) =>
      subjectaltname.split(', ').includes(`URI:spiffe://shop.test/${service}`)
        ? undefined
        : new Error(`this is not ${service} but ${subjectaltname}`),
  };
  return new Promise((resolve) => {
    const outgoing = request(`https://${service}:8443${path}`, options, async (response) => {
      const answer = await response.setEncoding('utf8').reduce((all, text) => all + text, '');
      resolve({ status: response.statusCode, body: answer });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')));
    outgoing.on('error', ({ code, message }) => resolve({ status: 'refused', body: code ?? message }));
    outgoing.end(body);
  });
}
