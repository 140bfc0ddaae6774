import { hasDns, startDns } from '../rig/dns-servers.ts';
import { describeDns } from './dns-contract.ts';

describeDns('Knot DNS', (options) => startDns('knot', options), hasDns.knot);
