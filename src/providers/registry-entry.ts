/** What a kind of load balancer must bring to be known: one folder, and one line in `registry.ts`. */
import type { BalancerDeclared, Diagnostic, Instant, Provider, Traits } from '../model/index.ts';
import type { HostChannels } from '../transport/channel.ts';

/** One argument of a `load_balancer` block, as data: for validation, for "did you mean", for documentation. */
export interface SettingSchema {
  readonly name: string;
  /** `path`: an absolute path on the balancer's hosts, without spaces. */
  readonly type: 'path' | 'string' | 'number' | 'bool';
  readonly required: boolean;
  /** What it is when it is left out; none: see the description. */
  readonly default?: string | number | boolean;
  readonly description: string;
}

export interface SnippetOptions {
  /** A whole configuration that starts as it is, instead of the part that an existing one needs. */
  readonly full: boolean;
  /** Where the whole configuration listens: `*:80`. */
  readonly bind: string;
}

export interface BalancerKind {
  /** The label in the configuration: `load_balancer "haproxy" "edge"`. */
  readonly name: string;
  readonly description: string;
  readonly settings: readonly SettingSchema[];
  /** Whether it can find the servers of a pool by a DNS record, and be seen to use them; default: no. */
  readonly resolvesNames?: boolean;
  /** Limits of this balancer with these settings. */
  traits(balancer: BalancerDeclared): Traits;
  /** What the settings, names and pools get wrong that a schema cannot say; nothing is read. */
  check(balancer: BalancerDeclared): readonly Diagnostic[];
  open(balancer: BalancerDeclared, channels: HostChannels, now?: () => Instant): Provider;
  /** The text that the balancer's `config_file` should have; undefined: deployctl writes no file for it. */
  renderConfig(balancer: BalancerDeclared): string | undefined;
  /** What the operator's own configuration must contain. */
  snippet(balancer: BalancerDeclared, options: SnippetOptions): string;
}
