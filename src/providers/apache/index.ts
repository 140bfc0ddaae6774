/** `load_balancer "apache"`: routes in a RewriteMap that Apache httpd looks up for each request: no reload in a switch. */
import { asInstant, type BalancerDeclared, type Diagnostic, type Traits } from '../../model/index.ts';
import { asDiagnostic } from '../balancer/failure.ts';
import { bucketBasisPoints } from '../balancer/probed/cell.ts';
import { checkProbed } from '../balancer/probed/check.ts';
import { fileDriver } from '../balancer/probed/file-driver.ts';
import { probeSetting } from '../balancer/probed/settings.ts';
import { openBalancer } from '../balancer/provider.ts';
import type { BalancerKind } from '../registry-entry.ts';
import { parseMap, withRoute } from './map-file.ts';
import { mapFileSetting, readMapFile } from './settings.ts';
import { longestName, renderSnippet } from './snippet.ts';

const traits: Traits = {
  switchCost: undefined,
  shareStepBasisPoints: bucketBasisPoints,
  drainsMembers: false,
  writesPools: false,
  countsRequests: false,
};

export const apache: BalancerKind = {
  name: 'apache',
  description: 'Apache httpd, switched by a map that it looks up for each request: no reload in a switch.',
  settings: [mapFileSetting, probeSetting],
  traits: () => traits,
  check: (balancer) => [
    ...checkProbed(balancer, { paths: ['map_file'], loopback: ['probe_address'] }),
    ...(balancer.name.length > longestName ? [nameTooLong(balancer)] : []),
  ],
  open: (declared, channels, now = () => asInstant(Date.now())) =>
    openBalancer({
      declared,
      traits,
      driver: fileDriver(declared, channels, {
        program: 'Apache',
        path: readMapFile(declared),
        parse: parseMap,
        withRoute,
      }),
      now,
      renderConfig: () => undefined,
    }),
  renderConfig: () => undefined,
  snippet: renderSnippet,
};

const nameTooLong = ({ address, name, origin }: BalancerDeclared): Diagnostic => ({
  ...asDiagnostic({
    code: 'balancer-name',
    summary: 'The load balancer cannot take this name',
    detail: `${address} has a name of ${name.length} characters. Apache limits the names of its pools, which begin with it, so it may have ${longestName}.`,
    hint: 'Give it a shorter name.',
    address,
  }),
  subject: origin,
});
