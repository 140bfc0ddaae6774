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
  plan: { group: 'main', load: () => import('./plan.ts') },
  apply: { group: 'main', load: () => import('./apply.ts') },
  revert: { group: 'main', load: () => import('./revert.ts') },
  approve: { group: 'main', load: () => import('./approve.ts') },
  promote: { group: 'steer', load: () => import('./promote.ts') },
  pause: { group: 'steer', load: () => import('./pause.ts') },
  continue: { group: 'steer', load: () => import('./continue.ts') },
  abort: { group: 'steer', load: () => import('./abort.ts') },
  status: { group: 'look', load: () => import('./status.ts') },
  history: { group: 'look', load: () => import('./history.ts') },
  show: { group: 'look', load: () => import('./show.ts') },
  diff: { group: 'look', load: () => import('./diff.ts') },
  doctor: { group: 'look', load: () => import('./doctor.ts') },
  init: { group: 'configuration', load: () => import('./init.ts') },
  validate: { group: 'configuration', load: () => import('./validate.ts') },
  fmt: { group: 'configuration', load: () => import('./fmt.ts') },
  graph: { group: 'configuration', load: () => import('./graph.ts') },
  console: { group: 'configuration', load: () => import('./console.ts') },
  snippet: { group: 'configuration', load: () => import('./snippet.ts') },
  'state list': { group: 'state', load: () => import('./state/list.ts') },
  'state show': { group: 'state', load: () => import('./state/show.ts') },
  'state pull': { group: 'state', load: () => import('./state/pull.ts') },
  'state push': { group: 'state', load: () => import('./state/push.ts') },
  'state rm': { group: 'state', load: () => import('./state/rm.ts') },
  'state import': { group: 'state', load: () => import('./state/import.ts') },
  'state migrate': { group: 'state', load: () => import('./state/migrate.ts') },
  unlock: { group: 'state', load: () => import('./unlock.ts') },
  'lab up': { group: 'lab', load: () => import('./lab/up.ts') },
  'lab down': { group: 'lab', load: () => import('./lab/down.ts') },
  'lab status': { group: 'lab', load: () => import('./lab/status.ts') },
  completion: { group: 'other', load: () => import('./completion.ts') },
  version: { group: 'other', load: () => import('./version.ts') },
};
