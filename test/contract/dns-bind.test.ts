import { hasDns, startDns } from '../rig/dns-servers.ts';
import { describeDns } from './dns-contract.ts';

describeDns('BIND', (options) => startDns('bind', options), hasDns.bind);
