import { nginx } from '../../src/providers/nginx/index.ts';
import { isInstalled, nginxProgram } from '../rig/proxies.ts';
import { describeBalancer } from './balancer-contract.ts';
import { startFlags } from './balancer-flags.ts';

describeBalancer('nginx', startFlags(nginx, nginxProgram, 1000), {
  isAvailable: isInstalled(nginxProgram),
  readsFlags: true,
});
