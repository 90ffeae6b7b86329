// A health check: whether something listens on a port of loopback, or on a socket. Usage: node answers.mjs PORT|SOCKET
import { connect } from 'node:net';

const where = process.argv[2];

connect(where.startsWith('/') ? { path: where } : { host: '127.0.0.1', port: Number(where) })
  .on('connect', () => process.exit(0))
  .on('error', () => process.exit(1));
