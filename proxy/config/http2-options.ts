import { integer } from './scalars.ts';
import { defaulted, section } from './section.ts';

/** Nothing of it can change while the proxy runs: what ALPN offers is settled when the listener is made. */
export const http2Options = section(
  'http2',
  'Serves HTTP/2 beside HTTP/1.1 on the same address, to clients that offer `h2` in their TLS handshake (ALPN); see [http2.md](http2.md). The workload is asked over HTTP/1.1 as ever. ' +
    'One that offers both is served over HTTP/2. `limits` hold for both: `keep_alive`, `max_connection_age` and `max_requests_per_connection` for the connection, the others for each request.',
  {
    max_streams: defaulted(integer(1, 1000), 100, {
      doc: 'Requests that one connection may have under way at once (SETTINGS_MAX_CONCURRENT_STREAMS). What is more is refused unread, for the client to send again.',
      reload: 'restart',
    }),
  },
);
