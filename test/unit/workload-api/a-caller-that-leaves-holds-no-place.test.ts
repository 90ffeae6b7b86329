import { once } from 'node:events';
import http2 from 'node:http2';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'tap';
import { createBell } from '../../../certs/workload-api/bell.ts';
import { keepTold } from '../../../certs/workload-api/keep-told.ts';
import { grpcServer, stream } from '../../../certs/workload-api/listen.ts';
import { grpcMethod, message } from '../../../certs/workload-api/proto/message.ts';
import { SpiffeWorkloadAPI, X509BundlesResponseSchema } from '../../../certs/workload-api/proto/workload_pb.ts';
import { eventually } from '../../harness/process.ts';
import { newFolder } from '../../harness/proxy.ts';

const method = grpcMethod(SpiffeWorkloadAPI.method.fetchX509Bundles);
const emptyMessage = Buffer.alloc(5);
const answer = message(X509BundlesResponseSchema, { bundles: { big: Buffer.alloc(64 * 1024) } });

test('whoever leaves, at whatever moment, is served no longer; and who does not read is not written to', async (t) => {
  let begun = 0;
  let over = 0;
  let answered = 0;
  const bells = new Set<() => void>();
  const grpc = grpcServer([
    stream(method, async (_, answers) => {
      begun++;
      // What admission takes: the caller may have left by then.
      await turn();
      await keepTold(answers, {
        watch: async ({ changed }) => {
          bells.add(changed);
          return () => void bells.delete(changed);
        },
        answer: async () => {
          answered++;
          return answer;
        },
      });
      over++;
    }),
  ]);
  const path = join(newFolder(t), 's');
  const server = createServer(grpc.accept).listen(path);
  t.teardown(() => server.close());
  t.teardown(grpc.close);
  const session = http2.connect('http://localhost', { createConnection: () => connect(path) });
  t.teardown(() => session.destroy());
  await once(session, 'remoteSettings');
  const ask = () => {
    const headers = { ':method': 'POST', ':path': method.path, 'content-type': 'application/grpc', te: 'trailers' };
    return session.request(headers).on('error', () => undefined);
  };
  for (let call = 0; call < 200; call++) {
    const request = ask();
    request.end(emptyMessage);
    for (let turns = call % 8; turns > 0; turns--) await turn();
    request.close(http2.constants.NGHTTP2_CANCEL);
    await once(request, 'close');
  }
  await eventually(() => begun === over && bells.size === 0);
  t.ok(begun > 100);

  // Flow control lets a few answers through; behind them the newest waits, however often there is news.
  const idle = ask();
  idle.end(emptyMessage);
  await eventually(() => bells.size === 1);
  const before = answered;
  for (let news = 0; news < 1000; news++) {
    for (const ring of bells) ring();
    await turn();
  }
  t.ok(answered - before < 50, `${answered - before} answers are held for who does not read`);
  idle.close(http2.constants.NGHTTP2_CANCEL);
  await eventually(() => begun === over);
});

test('a bell that rings twice before it is heard is heard once, and after its end never', async (t) => {
  const { ring, end, rung } = createBell();
  ring();
  ring();
  t.equal(await rung(), true);
  const next = rung();
  ring();
  t.equal(await next, true);
  ring();
  end();
  t.equal(await rung(), false);
});
