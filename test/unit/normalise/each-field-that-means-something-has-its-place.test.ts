import { test } from 'tap';
import { isDenial } from '../../../proxy/denial.ts';
import { fieldName } from '../../../proxy/normalise/field-name.ts';
import { isAddableToAnswer, isSettable, normaliseHeaders, ownHeaders } from '../../../proxy/normalise/headers.ts';

const own = ownHeaders(['x-caller']);
const words = (text: string) => text.trim().split(/\s+/);

const onceInARequest = words(
  `authorization content-encoding content-type cookie date dpop from if-modified-since if-range if-unmodified-since max-forwards
   origin range referer traceparent user-agent`,
);
const onceInAnAnswer = words(
  'access-control-allow-origin content-disposition content-language content-type expires location retry-after strict-transport-security',
);
const ofAConnection = words(
  `connection content-length expect host http2-settings keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer
   transfer-encoding upgrade`,
);
const overriding = words(
  `x-http-method x-http-method-override x-method-override x-original-method x-original-uri x-original-url x-rewrite-url x-forwarded-uri
   x-forwarded-prefix`,
);
const ofOurs = words(
  'x-caller forwarded proxy x-client-ip x-forwarded-for x-host x-original-host x-portcullis-id x-real-ip x-spiffe-id',
);
const ofTheContent = words(
  `accept-ranges age content-encoding content-language content-length content-location content-range content-type date etag
   last-modified location`,
);
const anybodys = words('x-tenant accept cache-control');

test('what a request may have once only is refused when it is there twice, in whatever case', (t) => {
  for (const name of onceInARequest) {
    t.notOk(isDenial(normaliseHeaders([name, 'a'], own)), `${name} once`);
    const code = name === 'content-type' ? 'unsupported-media-type' : 'ambiguous-header';
    for (const second of [name, name.toUpperCase()])
      t.match(normaliseHeaders([name, 'a', 'x', 'y', second, 'a'], own), { code }, `${name}, ${second}`);
    t.match(
      normaliseHeaders(['connection', name, name, 'a'], own),
      { code: 'ambiguous-header' },
      `${name} is nominated`,
    );
  }
  for (const name of anybodys) t.notOk(isDenial(normaliseHeaders([name, 'a', name, 'b'], own)), `${name} twice`);
  t.end();
});

test('what folds to a field that counts is refused, and what folds to one of ours goes', (t) => {
  const dotted = (name: string) => name.replaceAll('-', '.');
  for (const name of [...onceInARequest, ...ofAConnection, ...overriding].filter((each) => each.includes('-')))
    t.match(normaliseHeaders([dotted(name), 'a'], own), { code: 'ambiguous-header' }, dotted(name));
  for (const name of ofOurs.flatMap((each) => [each, dotted(each), each.toUpperCase()]))
    t.same(normaliseHeaders([name, 'a'], own), { headers: [], hosts: [] }, name);
  for (const name of overriding) t.match(normaliseHeaders([name, 'a'], own), { code: 'ambiguous-header' }, name);
  t.end();
});

test('nobody but the proxy sets framing, provenance, what would override, and what the content is', (t) => {
  for (const name of [...ofAConnection, ...overriding, ...ofOurs, 'content-type', 'content-encoding', 'x_tenant'])
    t.notOk(isSettable(name, own), name);
  for (const name of anybodys) t.ok(isSettable(name, own), name);
  t.end();
});

test('nobody but the workload says what the content of its answer is', (t) => {
  for (const name of [...ofAConnection, ...ofTheContent, ...ofOurs, 'x_tenant'])
    t.notOk(isAddableToAnswer(name, own), name);
  for (const name of [...anybodys, 'set-cookie']) t.ok(isAddableToAnswer(name, own), name);
  for (const name of [...onceInARequest, ...onceInAnAnswer]) t.notOk(fieldName(name).repeatable, `${name} twice`);
  for (const name of ['set-cookie', 'vary', ...anybodys]) t.ok(fieldName(name).repeatable, `${name} twice`);
  t.end();
});
