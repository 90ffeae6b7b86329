import { test } from 'tap';
import { answerText } from '../../../bench/policy/answer.ts';
import { factsOf } from '../../../bench/policy/facts.ts';
import { lackingOf, recordedInput } from '../../../bench/policy/inputs/record-input.ts';
import { sameAnswers } from '../../../bench/policy/same-answers.ts';
import { type Subject, Unable } from '../../../bench/subject.ts';
import { buildInput } from '../../../policy/input.ts';
import { facts, input, validated } from '../policy/policies.ts';

const inputs = ['one', 'two'].map((name) => ({ name, input: {} }));

function subject(name: string, answers: readonly string[] | Unable, tells: Subject['tells'] = 'result'): Subject {
  const turn = { micros: new Float64Array(), cpuMicros: 0, residentBytes: 0 };
  return {
    name,
    about: '',
    tells,
    answers: async () => {
      if (answers instanceof Unable) throw answers;
      return answers;
    },
    turn: async () => turn,
    stages: async () => [],
  };
}

test('our engines have to agree, and to decide', async (t) => {
  const plan = subject('plan', ['true', 'true']);
  await t.rejects(sameAnswers([plan, subject('wasm', ['true', 'false'])], [], inputs), {
    code: 'bench-answers-differ',
    message: 'wasm: it answers two with false, and plan with true',
  });
  await t.rejects(sameAnswers([plan, subject('wasm', new Unable('too long', 1))], [], inputs), {
    code: 'bench-undecided',
    message: 'wasm: it cannot decide two: too long',
  });
});

test('a peer that decides otherwise, or cannot, is left out and named', async (t) => {
  const plan = subject('plan', ['{"allow":true}', '{"allow":false}']);
  const peers = [
    subject('same', ['{"allow":true}', '{"allow":false}']),
    subject('other', ['{"allow":true}', 'undefined']),
    subject('broken', new Unable('no such built-in', 0)),
    subject('verdicts', ['allow', 'deny'], 'verdict'),
    subject('refuses', ['deny', 'deny'], 'verdict'),
  ];
  const { subjects, notes } = await sameAnswers([plan], peers, inputs);
  t.same(
    subjects.map(({ name }) => name),
    ['plan', 'same', 'verdicts'],
  );
  t.same(notes, [
    'other is left out: it answers two with undefined, and plan with {"allow":false}',
    'broken is left out: it cannot decide one: no such built-in',
    'refuses is left out: it answers one with deny, and plan with allow',
  ]);
});

test('an answer is the same whatever its order, and null is not undefined', async (t) => {
  t.equal(answerText({ b: [2, 1], a: null }), answerText({ a: null, b: [1, 2] }));
  t.not(answerText(null), answerText(undefined));
  t.equal(answerText(2n ** 60n), answerText(2 ** 60));
});

test('the facts that an input was built from give the same input again', async (t) => {
  const bodies = [
    validated({ items: [1] }),
    { kind: 'none' },
    { kind: 'streamed', bytes: 7, contentType: 'a/b' },
  ] as const;
  for (const body of bodies) {
    const built = input({ body });
    const again = factsOf(JSON.parse(JSON.stringify(built)));
    t.same(structuredClone(buildInput(again ?? facts())), structuredClone(built), body.kind);
    t.ok(again !== undefined, body.kind);
  }
  for (const foreign of [{}, { attributes: {} }, { ...input(), more: 1 }, 7]) t.equal(factsOf(foreign), undefined);
});

test('a record says by which protocol the client asked, and the input that is made of it too', (t) => {
  const protocolOf = (tls?: { readonly alpn?: string }) => {
    const [spiffe, ts] = ['spiffe://shop.test/a', '2026-11-23T09:30:00.000Z'];
    const peer = { spiffe, not_after: ts };
    return recordedInput({ type: 'authz.allow', ts, workload: spiffe, peer, tls }).attributes.request.http.protocol;
  };
  t.equal(protocolOf({ alpn: 'h2' }), 'HTTP/2');
  for (const tls of [{ alpn: 'http/1.1' }, {}, undefined]) t.equal(protocolOf(tls), 'HTTP/1.1');
  const http2 = input({ request: { ...facts().request, protocol: 'HTTP/2' } });
  t.match(factsOf(structuredClone({ ...http2, attributes: { ...http2.attributes } })), {
    request: { protocol: 'HTTP/2' },
  });
  t.end();
});

test('of what a policy reads, a record lacks headers and bodies, and not the request line', async (t) => {
  const http = ['attributes', 'request', 'http'];
  const lacking = [
    [],
    http,
    [...http, 'headers'],
    [...http, 'headers', 'accept'],
    ['parsed_body', 'items'],
    ['portcullis'],
  ];
  for (const path of lacking) t.same(lackingOf([path]), [path]);
  const there = [[...http, 'headers', ':path'], [...http, 'method'], ['parsed_path'], ['portcullis', 'peer', 'issuer']];
  t.same(lackingOf(there), []);
});
