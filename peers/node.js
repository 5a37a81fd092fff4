#!/usr/bin/env node
// An echo server in Node.js: a stream piped into itself.
//
//   node PORT
//
// Backpressure: pipe() pauses the readable side while the writable side is full.
'use strict';
const net = require('net');

if (process.argv.length !== 3) {
  console.error('usage: node PORT');
  process.exit(2);
}
// allowHalfOpen: a peer that has ended its side still gets its echo, and then our end.
const server = net.createServer({allowHalfOpen: true}, (peer) => {
  peer.setNoDelay(true);
  peer.on('error', () => {});  // as a reset is; the socket is destroyed by itself
  peer.pipe(peer);
});
server.on('error', (error) => {
  console.error(`node: ${error.message}`);
  if (!server.listening) process.exit(1);  // else one accept has failed, and others go on
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
server.listen({port: Number(process.argv[2]), host: '127.0.0.1', backlog: 65535});
