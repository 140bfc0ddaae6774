// A service that is found by its name in DNS: it answers which version it is, and ends when it has answered everyone.
import { createServer } from 'node:http';

const { ADDRESS: address = '127.0.0.1', PORT: port = '8090', VERSION: version = '' } = process.env;

const server = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify({ service: 'prices', version, address })}\n`);
});

server.listen(Number(port), address, () => console.log(`prices ${version} on ${address}:${port}`));
process.once('SIGTERM', () => {
  server.close(() => console.log(`prices ${version} ended`));
  server.closeIdleConnections();
});
