// Every caller with every service, as a table; ends with 1 when an answer is not the expected one.
import { connect } from 'node:net';
import { call } from './call.mjs';

const services = { orders: '/orders', billing: '/invoices' };
/** By caller: what orders and what billing answer. */
const expected = {
  web: { orders: 200, billing: 403 },
  orders: { orders: 403, billing: 200 },
  reports: { orders: 403, billing: 403 },
  'no certificate': { orders: 'refused', billing: 'refused' },
  'past the proxy': { orders: 'refused', billing: 'refused' },
};

/** The port of the workload itself, which is for loopback only. */
function pastTheProxy(service) {
  return new Promise((resolve) => {
    const socket = connect({ host: service, port: 8080, timeout: 2000 });
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket
      .on('connect', () => end('reached'))
      .on('error', () => end('refused'))
      .on('timeout', () => end('refused'));
  });
}

async function answerOf(caller, service) {
  if (caller === 'past the proxy') return pastTheProxy(service);
  const as = caller === 'no certificate' ? undefined : caller;
  return (await call({ as, service, path: services[service] })).status;
}

let wrong = 0;
console.log(
  `${'caller'.padEnd(16)}${Object.keys(services)
    .map((name) => name.padEnd(16))
    .join('')}`,
);
for (const [caller, answers] of Object.entries(expected)) {
  const cells = [];
  for (const [service, wanted] of Object.entries(answers)) {
    const got = await answerOf(caller, service);
    if (got !== wanted) wrong += 1;
    cells.push(got === wanted ? `${got}` : `${got}, not ${wanted}`);
  }
  console.log(`${caller.padEnd(16)}${cells.map((cell) => cell.padEnd(16)).join('')}`);
}
const { body } = await call({ as: 'web', service: 'orders', path: '/orders' });
console.log(`\nweb asks orders, and orders asks billing: ${body}`);
if (!body.includes('17.30')) wrong += 1;
for (const [pieces, wanted] of [
  [2, 200],
  [0, 422],
]) {
  const order = JSON.stringify({ item: 'chair', pieces });
  const { status } = await call({ as: 'web', service: 'orders', path: '/orders', body: order });
  console.log(`web sends orders ${order}: ${status}`);
  if (status !== wanted) wrong += 1;
}
console.log(wrong === 0 ? 'Every answer was the expected one.' : `${wrong} answers were not the expected ones.`);
process.exit(wrong === 0 ? 0 : 1);
