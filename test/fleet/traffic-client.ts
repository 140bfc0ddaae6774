/**
 * The load of rig/traffic.ts from a place of its own in the network, so that the operator's cable can be pulled without
 * the clients noticing. Lines on standard input: `both VERSION`, `only VERSION`, `anew`, and the end; then the figures as JSON.
 */
import { createInterface } from 'node:readline';
import { startTraffic } from '../rig/traffic.ts';

const [address = '', port = '', rate = '', first = '', host = ''] = process.argv.slice(2);
const traffic = startTraffic(
  {
    address,
    port: Number(port),
    host,
    rate: Number(rate),
    keepAlive: 4,
    freshShare: 0.5,
    slow: 2,
    upgraded: 0,
  },
  first,
);
for await (const line of createInterface(process.stdin)) {
  const [word, version = ''] = line.split(' ');
  if (word === 'both') traffic.expectBoth(version);
  else if (word === 'only') traffic.acknowledge(version);
  else traffic.comeAnew();
}
console.log(JSON.stringify(await traffic.stop()));
