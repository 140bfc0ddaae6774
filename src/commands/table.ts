import type { CommandClass } from './base.ts';

/** Headings of `deployctl --help`, in order. */
export const groups = {
  main: 'Main commands',
  steer: 'A run in progress',
  look: 'What is deployed, and what was',
  configuration: 'The configuration',
  state: 'The recorded state',
  lab: 'Trying it out on this machine',
  other: 'Other',
} as const;

export interface TableEntry {
  readonly group: keyof typeof groups;
  readonly load: () => Promise<{ readonly default: CommandClass }>;
}

/** Every command by the words it is typed with. A module is loaded when its command runs, and for the manifest. */
export const commands: Readonly<Record<string, TableEntry>> = {
  'lab up': { group: 'lab', load: () => import('./lab/up.ts') },
  'lab down': { group: 'lab', load: () => import('./lab/down.ts') },
  'lab status': { group: 'lab', load: () => import('./lab/status.ts') },
  version: { group: 'other', load: () => import('./version.ts') },
};

/** What one word stands for that is no command itself: `lab`, `state`. */
export const topics: Readonly<Record<string, string>> = {
  lab: 'Hosts and a load balancer of its own on this machine, for trying and for tests.',
  state: 'What deployctl has recorded about an environment.',
};
