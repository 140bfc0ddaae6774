import { hasDns, startDns } from '../rig/dns-servers.ts';
import { describeDns } from './dns-contract.ts';

describeDns('PowerDNS', (options) => startDns('pdns', options), hasDns.pdns, { saysNothingOfKeys: true });
