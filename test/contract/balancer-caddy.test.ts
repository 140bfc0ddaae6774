import { caddy } from '../../src/providers/caddy/index.ts';
import { caddyProgram, isInstalled } from '../rig/proxies.ts';
import { describeBalancer } from './balancer-contract.ts';
import { startFlags } from './balancer-flags.ts';

describeBalancer('Caddy', startFlags(caddy, caddyProgram, 500), {
  isAvailable: isInstalled(caddyProgram),
  readsFlags: true,
});
