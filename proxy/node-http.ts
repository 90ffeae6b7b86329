const http = process.getBuiltinModule('node:http');

/**
 * Not an `import` of `node:http`: that reads every name of the module, and one of them loads the WebSocket client of Node, which
 * nobody here asks for. It took 45 ms and 15 MB in each thread.
 */
export const { createServer, STATUS_CODES } = http;
