// A release with a fault that no health check sees: every fifth request fails.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { version } = JSON.parse(readFileSync(new URL('./release.json', import.meta.url), 'utf8'));
const { ADDRESS: address = '127.0.0.1', PORT: port = '8081', HOST: host = '', SLOT: slot = '' } = process.env;

let isEnding = false;
let requests = 0;

const server = createServer((request, response) => {
  const isHealthCheck = request.url === '/health';
  if (!isHealthCheck) requests += 1;
  const isFaulty = isHealthCheck ? isEnding : requests % 5 === 0;
  response.statusCode = isFaulty ? 503 : 200;
  response.setHeader('content-type', 'application/json');
  // Told with the answer, so that nobody sends the next request into a connection that is being closed.
  if (isEnding) response.setHeader('connection', 'close');
  response.end(`${JSON.stringify({ service: 'shop', version, slot, host, healthy: !isEnding })}\n`);
});

server.keepAliveTimeout = 75_000;
server.listen(Number(port), address, () => console.log(`shop ${version} on ${address}:${port}`));

process.once('SIGTERM', () => {
  isEnding = true;
  // One second for connections that stay open to hear of it; then no new ones, and those in use finish.
  setTimeout(() => server.close(() => console.log(`shop ${version} ended`)), 1000);
});
