/** The way of Caddy's admin API: a switch is a change of its configuration, which Caddy loads as a whole. */
import { asInstant, type BalancerDeclared, type Diagnostic, type Traits } from '../../model/index.ts';
import { asDiagnostic } from '../balancer/failure.ts';
import { bucketBasisPoints } from '../balancer/probed/cell.ts';
import { checkProbed } from '../balancer/probed/check.ts';
import { openBalancer } from '../balancer/provider.ts';
import type { Way } from '../balancer/ways.ts';
import { apiDriver } from './api-driver.ts';
import { renderApiSnippet } from './api-snippet.ts';
import { adminSetting, configFileSetting } from './settings.ts';

const traits: Traits = {
  switchCost: {
    each: 'Caddy loads its whole configuration anew: it closes connections of clients, some new ones too, which is an error to those that do not try again, and cuts every websocket',
    instead:
      'With flags_dir in place of admin_address, its configuration stays as it is, and a switch costs nothing.',
  },
  shareStepBasisPoints: bucketBasisPoints,
  drainsMembers: false,
  writesPools: false,
  countsRequests: false,
};

function checkApi(balancer: BalancerDeclared): readonly Diagnostic[] {
  const { address, origin, settings } = balancer;
  const missing = asDiagnostic({
    code: 'missing-argument',
    summary: 'Missing required argument',
    detail: `With "admin_address", ${address} needs "config_file" too: Caddy forgets at a restart what its API was told.`,
    hint: `config_file: ${configFileSetting.description.replace('With admin_address: ', '')}`,
    address,
  });
  return [
    ...(settings.admin_address !== undefined && settings.config_file === undefined
      ? [{ ...missing, subject: origin }]
      : []),
    ...checkProbed(balancer, { paths: ['config_file'], loopback: ['probe_address', 'admin_address'] }),
  ];
}

export const apiWay: Way = {
  settings: [adminSetting, configFileSetting],
  traits: () => traits,
  check: checkApi,
  open: (declared, channels, now = () => asInstant(Date.now())) =>
    openBalancer({
      declared,
      traits,
      driver: apiDriver(declared, channels),
      now,
      renderConfig: () => undefined,
    }),
  snippet: renderApiSnippet,
};
