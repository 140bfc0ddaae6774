/** The service of the tests: says which release answers, in every way that a client can be connected to it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const version = readFileSync(
  process.env.VERSION_FILE ?? new URL('./version', import.meta.url),
  'utf8',
).trim();
const isBroken = version.includes('broken');
/** As much is: it drops what it was answering when it is told to stop. */
const isAbrupt = version.includes('abrupt');
const { HOST = '127.0.0.1', PORT = '0', PID_FILE, FAULTY_PERCENT = '0', LATENCY_MS = '0' } = process.env;
let served = 0;
// SIGUSR2: from then on each who checks is told well and ill by turns.
let flaps = false;
const checks = new Map();
process.on('SIGUSR2', () => {
  flaps = true;
});
const sockets = new Set();

const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
  const url = new URL(request.url ?? '/', 'http://shop');
  response.setHeader('x-served-by', version);
  if (url.pathname === '/health') {
    const turn = (checks.get(request.headers['user-agent']) ?? 0) + 1;
    checks.set(request.headers['user-agent'], turn);
    response.statusCode = isBroken || (flaps && turn % 2 === 0) ? 503 : 200;
    response.end(version);
  } else if (url.pathname === '/slow') {
    setTimeout(() => response.end(version), Number(url.searchParams.get('ms') ?? 1500));
  } else {
    served += 1;
    if ((served * Number(FAULTY_PERCENT)) % 100 < Number(FAULTY_PERCENT)) response.statusCode = 500;
    if (LATENCY_MS === '0') response.end(version);
    else setTimeout(() => response.end(version), Number(LATENCY_MS));
  }
});
server.on('upgrade', (_request, socket) => {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Served-By: ${version}\r\n\r\n`,
  );
  socket.on('data', (chunk) => socket.write(`${version} ${chunk}`));
  socket.on('end', () => socket.end());
  socket.on('error', () => socket.destroy());
});
server.listen(Number(PORT), HOST, () => {
  if (PID_FILE !== undefined) writeFileSync(PID_FILE, String(process.pid));
  console.log(`shop ${version} listens on ${HOST}:${PORT}`);
  if (isBroken) console.log('FATAL could not connect to db-2:5432: password authentication failed');
});
process.on('SIGTERM', () => {
  if (isAbrupt) process.exit(0);
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  for (const socket of sockets) socket.end();
  setTimeout(() => process.exit(0), 5000).unref();
});
