import { test } from 'tap';
import { bodyDecoder } from '../../../proxy/http1/body-decoder.ts';
import { IncomingBody } from '../../../proxy/http1/incoming-body.ts';
import { deny } from '../../../proxy/denial.ts';

const flow = {
  pause: () => undefined,
  resume: () => undefined,
  sendContinue: () => undefined,
  wanted: () => undefined,
};

function collect(body: IncomingBody): { events: string[] } {
  const events: string[] = [];
  body.consume({
    chunk: (data) => events.push(data.toString('latin1')),
    end: () => events.push('end'),
    failed: ({ code }) => events.push(code),
  });
  return { events };
}

void test('an end of body behind a framing error is none (next bytes would be read as a request)', (t) => {
  const body = new IncomingBody(
    bodyDecoder({ kind: 'chunked' }),
    { declaredBytes: undefined, expectsContinue: false },
    flow,
  );
  t.match(body.feed(Buffer.from('5;ext\r\n')), { code: 'malformed-chunk' });
  t.match(body.feed(Buffer.from('0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n')), { code: 'malformed-chunk' });
  t.equal(body.complete, false, 'so the connection has to end');
  t.same(collect(body).events, ['malformed-chunk'], 'and whoever reads it late learns why');
  t.end();
});

void test('a line of a chunk that does not end is not waited for', (t) => {
  const after = (text: string) => bodyDecoder({ kind: 'chunked' })(Buffer.from(text));
  t.match(after('0'.repeat(18)), { done: false }, 'as long as it may be with its end');
  t.match(after('0'.repeat(19)), { code: 'malformed-chunk' });
  t.match(after(`0\r\nX: ${'a'.repeat(4095)}`), { done: false });
  t.match(after(`0\r\nX: ${'a'.repeat(4096)}`), { code: 'malformed-chunk' });
  t.end();
});

void test('an end of body behind a time-out is none', (t) => {
  const body = new IncomingBody(
    bodyDecoder({ kind: 'length', bytes: 5 }),
    { declaredBytes: 5, expectsContinue: false },
    flow,
  );
  const { events } = collect(body);
  body.feed(Buffer.from('he'));
  body.fail(deny('request-timeout'));
  body.feed(Buffer.from('llo'));
  t.equal(body.complete, false);
  t.same(events, ['he', 'request-timeout']);
  t.end();
});

void test('what fails after the end of a body does not touch it', (t) => {
  const body = new IncomingBody(
    bodyDecoder({ kind: 'length', bytes: 2 }),
    { declaredBytes: 2, expectsContinue: false },
    flow,
  );
  t.equal(body.feed(Buffer.from('okGET /next')), 2, 'and what is behind it is not its own');
  body.cut();
  t.same(collect(body).events, ['ok', 'end']);
  t.end();
});
