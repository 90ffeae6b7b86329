import { test } from 'tap';
import { change, good, problemsOf, writeFolder } from './folder.ts';

type Case = readonly [what: string, config: string, ...problems: (string | RegExp)[]];

const route = (more: string) => change('limits:', `  - ${more}\nlimits:`);

const workloadTls = (tls: string) => change('127.0.0.1:8080', `10.0.0.7:8080\n  tls: ${tls}`);

const cases: readonly Case[] = [
  [
    'an unknown key with a near name',
    change('  max_connections: 500', '  max_conections: 500'),
    /^portcullis.yaml:28:3: limits\.max_conections: unknown key; allowed: handshake, head, .*; did you mean `max_connections`\?$/,
  ],
  [
    'an unknown key written the JavaScript way',
    change('explain_to', 'explainTo'),
    /^portcullis.yaml:31:1: explainTo: unknown key; allowed: .*; did you mean `explain_to`\?$/,
  ],
  [
    'a key that resembles none',
    change('threads: 2', 'zebra: 2'),
    /unknown key; allowed: identity, listen, .*unsafe_remote_admin$/,
  ],
  ['`__proto__` as a key', change('threads: 2', '__proto__: 2'), /:32:1: __proto__: unknown key/],
  [
    'a missing key',
    change('  trust_domain: shop.test\n', ''),
    'portcullis.yaml:2:3: identity.trust_domain: is required; allowed: a trust domain such as `shop.example`',
  ],
  [
    'a key without a value',
    change('threads: 2', 'threads:'),
    /:32:9: threads: has no value; allowed: `auto`, or a whole number/,
  ],
  [
    'a map where a value belongs',
    change('127.0.0.1:8443', '{ port: 1 }'),
    /:5:9: listen: expected one value, got a map/,
  ],
  [
    'a value where a map belongs',
    change('limits:\n  max_connections: 500', 'limits: 500'),
    /:27:9: limits: expected a map, got `500`/,
  ],
  ['a value where a list belongs', change('[GET]', 'GET'), /:13:14: routes\[0\]\.methods: expected a list, got `GET`/],
  ['an empty list', change('[GET]', '[]'), /methods: is empty; allowed: at least 1$/],
  [
    'a number where text belongs',
    change('trust_domain: shop.test', 'trust_domain: 1.10'),
    /:2:17: identity\.trust_domain: expected text, got the number 1\.10; .*; did you mean `"1\.10"`\?$/,
  ],
  [
    'a duration without unit',
    change('per: 1m', 'per: 60'),
    /:18:12: routes\[0\]\.quota\.per: `60` is not a duration; allowed: .*; did you mean `60s`\?$/,
  ],
  [
    'a duration out of range',
    change('trust_domain:', 'svid_lifetime: 25h\n  trust_domain:'),
    /:2:18: identity\.svid_lifetime: 25h is out of range; allowed: a duration from 10s to 24h/,
  ],
  [
    'a size in units of 1000',
    change('64MiB', '64MB'),
    /audit\.segment: `64MB` is not a size; .*; did you mean `64MiB`\?$/,
  ],
  [
    'a number out of range',
    change('threads: 2', 'threads: 0'),
    /threads: 0 is out of range; allowed: `auto`, or a whole number from 1 to 256$/,
  ],
  ['a fraction', change('requests: 100', 'requests: 1.5'), /quota\.requests: `1\.5` is no whole number/],
  [
    'a quota of nothing',
    change('requests: 100', 'requests: 0'),
    /quota\.requests: 0 is out of range; allowed: a whole number from 1/,
  ],
  [
    'a boolean of YAML 1.1',
    `${good}unsafe_remote_admin: yes\n`,
    /:33:22: unsafe_remote_admin: `yes` is neither; allowed: true or false; did you mean `true`\?$/,
  ],
  [
    'a method in lower case',
    change('[GET]', '[get]'),
    /:13:15: routes\[0\]\.methods\[0\]: `get` is none of these; .*; did you mean `GET`\?$/,
  ],
  [
    'a method nobody may route',
    change('[GET]', '[TRACE]'),
    /`TRACE` is none of these; allowed: `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, `OPTIONS`$/,
  ],
  ['a method twice', change('[GET]', '[GET, GET]'), /methods\[1\]: `GET` stands twice in the list$/],
  [
    'an address without host',
    change('127.0.0.1:8443', '8443'),
    /listen: expected text, got the number 8443; .*; did you mean `127\.0\.0\.1:8443`\?$/,
  ],
  ['an address without port', change('127.0.0.1:8443', '127.0.0.1'), /listen: `127\.0\.0\.1` has no port/],
  ['a port beyond 65535', change('127.0.0.1:8443', '127.0.0.1:70000'), /listen: the port 70000 is not from 0 to 65535/],
  [
    'port 0 of the workload',
    change('127.0.0.1:8080', '127.0.0.1:0'),
    /workload\.address: the port 0 is not from 1 to 65535/,
  ],
  [
    'an address that libc reads another way',
    change('127.0.0.1:8080', '127.1:8080'),
    /`127\.1` is neither an IP address nor a host name/,
  ],
  [
    'a URL as address',
    change('127.0.0.1:8080', 'http://127.0.0.1:8080'),
    /is a URL; .*; did you mean `127\.0\.0\.1:8080`\?$/,
  ],
  [
    'a path as address',
    change('127.0.0.1:8080', '/run/app.sock'),
    /has no port; .*; did you mean `unix:\/run\/app\.sock`\?$/,
  ],
  [
    'a workload that is not on loopback',
    change('127.0.0.1:8080', '10.0.0.7:8080'),
    /:7:12: workload\.address: 10\.0\.0\.7:8080 is not loopback: .*`workload\.tls`; or `unsafe_remote_workload: true`$/,
  ],
  [
    'TLS to a workload that may be anybody',
    workloadTls('{}'),
    /:8:8: workload\.tls\.spiffe_ids: is required; allowed: a list; each a SPIFFE ID/,
  ],
  ['TLS to a workload that can be nobody', workloadTls('{ spiffe_ids: [] }'), /workload\.tls\.spiffe_ids: is empty/],
  [
    'a workload that is a whole trust domain',
    workloadTls('{ spiffe_ids: ["spiffe://shop.test"] }'),
    /workload\.tls\.spiffe_ids\[0\]: `spiffe:\/\/shop\.test` has no path, so it names no workload/,
  ],
  [
    'a workload by a pattern',
    workloadTls('{ spiffe_ids: ["spiffe://shop.test/*"] }'),
    /workload\.tls\.spiffe_ids\[0\]: SPIFFE ID/,
  ],
  [
    'a workload of a trust domain that nobody vouches for',
    workloadTls('{ spiffe_ids: ["spiffe://shop.test/a", "spiffe://b.test/a"] }'),
    /:8:47: workload\.tls\.spiffe_ids\[1\]: the trust domain of `spiffe:\/\/b\.test\/a` has its bundle from nowhere; allowed: IDs of `shop\.test`$/,
  ],
  [
    'TLS switched on by a word',
    workloadTls('true'),
    /workload\.address: 10\.0\.0\.7:8080 is not loopback/,
    /workload\.tls: expected a map, got `true`; allowed: spiffe_ids$/,
  ],
  [
    'an end that TLS cannot vouch for',
    workloadTls('{ spiffe_ids: ["spiffe://shop.test/a"] }\n  unsafe_close_delimited: true'),
    /:9:27: workload\.unsafe_close_delimited: with `workload\.tls`, whoever is on the way could cut an answer short and nobody would see it; allowed: `false`$/,
  ],
  [
    'a workload behind a name that anybody may answer',
    change('127.0.0.1:8080', 'orders.internal:8080'),
    /is not loopback/,
  ],
  [
    'admin that is not on loopback',
    `${good}admin: 0.0.0.0:9464\n`,
    /:33:8: admin: 0\.0\.0\.0:9464 is not loopback: .*`unsafe_remote_admin: true`$/,
  ],
  [
    'admin on the address of the listener',
    `${good}admin: 127.0.0.1:8443\n`,
    'portcullis.yaml:33:8: admin: 127.0.0.1:8443 is the address of `listen` too',
  ],
  [
    'a workload that is the listener',
    change('127.0.0.1:8080', 'localhost:8443'),
    /:7:12: workload\.address: localhost:8443 is the address of `listen` too$/,
  ],
  [
    'a listener on all addresses that covers the workload',
    change('127.0.0.1:8443', '0.0.0.0:8080'),
    /is the address of `listen` too$/,
  ],
  [
    'a privileged port',
    change('127.0.0.1:8443', '127.0.0.1:443'),
    /:5:9: listen: this user may not listen on port 443; allowed: a port from 1024 up, or grant CAP_NET_BIND_SERVICE$/,
  ],
  [
    'a SPIFFE ID of another trust domain',
    change('spiffe_id: spiffe://shop.test/orders', 'spiffe_id: spiffe://other.test/orders'),
    /:3:14: identity\.spiffe_id: `spiffe:\/\/other\.test\/orders` is not in the trust domain `shop\.test`; did you mean `spiffe:\/\/shop\.test\/orders`\?$/,
  ],
  [
    'a SPIFFE ID without a path',
    change('spiffe_id: spiffe://shop.test/orders', 'spiffe_id: spiffe://shop.test'),
    /has no path, so it names no workload/,
  ],
  [
    'a trust domain in upper case',
    change('shop.test\n  spiffe_id: spiffe://shop.test/orders', 'Shop.test\n  spiffe_id: spiffe://shop.test/orders'),
    /identity\.trust_domain: trust domain "Shop\.test": "S" is not allowed/,
  ],
  [
    'a header name with an underscore',
    change('workload:\n', 'workload:\n  spiffe_id_header: x_id\n'),
    /`x_id` is no header name; .*; did you mean `x-id`\?$/,
  ],
  [
    'a header that frames the request',
    change('workload:\n', 'workload:\n  spiffe_id_header: Content-Length\n'),
    /`content-length` has another meaning already/,
  ],
  [
    'one header for two facts',
    change('workload:\n', 'workload:\n  client_cert_header: X-Spiffe-Id\n'),
    /client_cert_header: `x-spiffe-id` is the spiffe_id_header already$/,
  ],
  [
    'a limit for one peer above the limit for all',
    change('max_connections: 500', 'max_connections: 500\n  max_connections_per_identity: 501'),
    /:29:33: limits\.max_connections_per_identity: is more than `max_connections`, so it would never take effect$/,
  ],
  [
    'a route name twice',
    change('name: orders.write', 'name: orders.list'),
    'portcullis.yaml:20:11: routes[1].name: `orders.list` is the name of routes[0] already',
  ],
  [
    'a cap on the body of a route that takes none',
    route('{ name: c, methods: [PUT], path: /c, max_body: 1KiB }'),
    'portcullis.yaml:27:52: routes[2].max_body: this route takes no body; allowed: only beside `body: stream` or `body` with schemas',
  ],
  [
    'a cap on responses that nobody validates',
    route('{ name: c, methods: [PUT], path: /c, max_response: 1KiB }'),
    /^portcullis\.yaml:27:5: routes\[2\]\.response: is required beside `max_response`; allowed: a map from a JSON media type/,
  ],
  [
    'two schemas for one content type',
    route('{ name: c, methods: [PUT], path: /c, body: { a/x+json: ./order.json, A/x+JSON: ./query.json } }'),
    /^portcullis\.yaml:27:74: routes\[2\]\.body\."A\/x\+JSON": means the same as `a\/x\+json`, which stands .*; allowed: a JSON media type .*, each once/,
  ],
  [
    'a schema for a path without parameters',
    route('{ name: c, methods: [PUT], path: /c, path_schema: ./query.json }'),
    'portcullis.yaml:27:55: routes[2].path_schema: it names `page`, which is no parameter of `/c`; allowed: no name: the path has no parameters',
  ],
  [
    'two routes for the same requests',
    route('{ name: c, methods: [PUT, POST], path: /orders }'),
    'portcullis.yaml:27:44: routes[2].path: POST /orders matches the same requests as routes[1]',
  ],
  [
    'two routes that differ in the name of a parameter only',
    route("{ name: c, methods: [GET], path: '/o/{a}' }\n  - { name: d, methods: [GET], path: '/o/{b}' }"),
    /:28:38: routes\[3\]\.path: GET \/o\/\{b\} matches the same requests as routes\[2\]$/,
  ],
  [
    'a rest that is not last',
    route("{ name: c, methods: [GET], path: '/a/{rest...}/b' }"),
    /routes\[2\]\.path: .*`\{rest\.\.\.\}` takes all that follows and must be the last segment/,
  ],
  ['a parameter twice', route("{ name: c, methods: [GET], path: '/{a}/{a}' }"), /the parameter `a` stands twice/],
  [
    'a body schema on GET',
    change('[POST]', '[POST, GET]').replace('path: /orders\n    body', 'path: /o\n    body'),
    /:24:7: routes\[1\]\.body: a GET request has no body to validate/,
  ],
  [
    'a body schema for what is no JSON',
    change('    body:\n      application/json:', '    body:\n      text/html:'),
    /:24:7: routes\[1\]\.body\."text\/html": `text\/html` is not JSON/,
  ],
  [
    'a body schema for a type with parameters',
    change('    body:\n      application/json:', '    body:\n      application/json;charset=utf-8:'),
    /is no media type; .*; did you mean `application\/json`\?$/,
  ],
  [
    'a burst above the quota',
    change('burst: 20', 'burst: 101'),
    /:19:14: routes\[0\]\.quota\.burst: 101 at once is more than the 100 that `requests` allows in the whole period$/,
  ],
  [
    'the audit among the keys',
    change('  segment', '  folder: ./state\n  segment'),
    /audit\.folder: is the `identity\.state` folder/,
  ],
  [
    'a secret in the file',
    change('passphrase_file: ./pass', 'passphrase: hunter2'),
    'portcullis.yaml:4:3: identity.passphrase: a secret is never written here, it is named by its file; did you mean `passphrase_file`?',
  ],
  [
    'a key pasted into the file',
    change('./pass', '"-----BEGIN PRIVATE KEY-----"'),
    /:4:20: identity\.passphrase_file: a key or certificate is named by its file, never pasted here/,
  ],
  [
    'a key pasted elsewhere',
    change('threads: 2', 'threads: "-----BEGIN PRIVATE KEY-----"'),
    /never pasted here; allowed: `auto`/,
  ],
  [
    'an escape sequence for the terminal',
    change('127.0.0.1:8443', '"\\e]0;x\\a"'),
    /listen: `\\u\{1b\}\]0;x\\u\{7\}` has no port/,
  ],
];

test('every bad value is reported once, with its place, what may stand there and what was meant', async (t) => {
  for (const [what, config, ...expected] of cases) {
    const found = await problemsOf(writeFolder(t.testdir(), config));
    t.match(found, expected, what);
    t.equal(found.length, expected.length, `${what}: nothing else is reported`);
  }
});

test('the configuration that the cases break is good', async (t) => {
  t.strictSame(await problemsOf(writeFolder(t.testdir(), good)), []);
});

test('a schema of the path names no parameter that the path does not have', async (t) => {
  const path = (template: string) =>
    route(`{ name: c, methods: [PUT], path: '${template}', path_schema: ./path.json }`);
  const schema = {
    'path.json':
      '{ "properties": { "order_id": { "type": "string" } }, "required": ["order_id", "line"], "type": "object" }',
  };
  t.strictSame(await problemsOf(writeFolder(t.testdir(), path('/a/{order_id}/{line...}'), schema)), []);
  const at = 'portcullis.yaml:27:';
  t.strictSame(await problemsOf(writeFolder(t.testdir(), path('/a/{orderId}/{lines...}'), schema)), [
    `${at}78: routes[2].path_schema: it names \`order_id\`, which is no parameter of \`/a/{orderId}/{lines...}\`; allowed: orderId, lines; did you mean \`orderId\`?`,
    `${at}78: routes[2].path_schema: it names \`line\`, which is no parameter of \`/a/{orderId}/{lines...}\`; allowed: orderId, lines; did you mean \`lines\`?`,
  ]);
});

test('all problems come in one go, in reading order', async (t) => {
  const config = good
    .replace('shop.test\n', 'Shop\n')
    .replace('8443', '99999')
    .replace('[./policy]', './nowhere')
    .replace('1m', '1')
    .replace('threads: 2', 'thread: 2');
  const found = await problemsOf(writeFolder(t.testdir(), config, { 'data.json': '{\n  "a": 1,\n}\n' }));
  t.match(
    found.map((problem) => problem.split(' ')[0]),
    [
      'portcullis.yaml:2:17:',
      'portcullis.yaml:5:9:',
      'portcullis.yaml:9:9:',
      'portcullis.yaml:18:12:',
      'portcullis.yaml:32:1:',
      'data.json:3:1:',
    ],
  );
  t.equal(found.length, 6);
});
