// A health check: whether something listens on a port of loopback. Usage: node answers.mjs PORT
import { connect } from 'node:net';

connect(Number(process.argv[2]), '127.0.0.1')
  .on('connect', () => process.exit(0))
  .on('error', () => process.exit(1));
