/** `load_balancer "haproxy"`: routes in a map that HAProxy reads for each request, never its configuration. */
import { asInstant, type BalancerDeclared, type Instant, type Provider } from '../../model/index.ts';
import type { HostChannels } from '../../transport/channel.ts';
import { openBalancer } from '../balancer/provider.ts';
import type { BalancerKind } from '../registry-entry.ts';
import { checkHaproxy } from './check.ts';
import { renderConfigText } from './config-text.ts';
import { haproxyDriver } from './driver.ts';
import { haproxySettings, readSettings } from './settings.ts';
import { renderSnippet } from './snippet.ts';
import { haproxyTraits } from './traits.ts';

/** The text of `config_file`; undefined where none is declared. */
export const renderHaproxyConfig = (balancer: BalancerDeclared): string | undefined =>
  readSettings(balancer).configFile === undefined ? undefined : renderConfigText(balancer);

/** One HAProxy on all its hosts. Nothing is opened before it is asked something. */
export const openHaproxy = (
  balancer: BalancerDeclared,
  channels: HostChannels,
  now: () => Instant = () => asInstant(Date.now()),
): Provider =>
  openBalancer({
    declared: balancer,
    traits: haproxyTraits(balancer),
    driver: haproxyDriver(balancer, channels),
    now,
    renderConfig: renderHaproxyConfig,
  });

export const haproxy: BalancerKind = {
  name: 'haproxy',
  description: 'HAProxy 2.4 or newer in master-worker mode.',
  settings: haproxySettings,
  resolvesNames: true,
  traits: haproxyTraits,
  check: checkHaproxy,
  open: openHaproxy,
  renderConfig: renderHaproxyConfig,
  snippet: renderSnippet,
};
