import type { AssembledService } from './assemble-services.ts';
import type { Reporter } from './evaluation.ts';

/** What deployctl makes, moves and prunes below an install root, beside the links of the slots. */
const own = ['releases', 'shared', '.deployctl'];

/** A service below the folders that another one keeps as its own would be pruned with them. */
export function checkNestedRoots(services: readonly AssembledService[], report: Reporter): void {
  const keepers = new Map<string, AssembledService>();
  for (const service of services) {
    const root = rootOf(service);
    if (root === undefined) continue;
    for (const host of hostsOf(service)) {
      for (const name of [...own, ...service.slots.map((slot) => slot.name)]) {
        keepers.set(`${host} ${root}/${name}`, service);
      }
    }
  }
  for (const service of services) {
    const root = rootOf(service);
    const [install] = service.entry.decoded.blocks.install;
    if (root === undefined || install === undefined) continue;
    const found = hostsOf(service).flatMap((host) =>
      foldersOf(root).flatMap((folder) => {
        const keeper = keepers.get(`${host} ${folder}`);
        return keeper === undefined ? [] : [{ host, folder, keeper }];
      }),
    );
    const [first] = found;
    if (first === undefined) continue;
    report.error(install.at('root'), {
      code: 'install-root-clash',
      summary: 'A service in a folder of another',
      detail: `${service.entry.address} would be installed into ${root} on host "${first.host}", and ${first.folder} is what ${first.keeper.entry.address} fills and prunes.`,
      hint: 'Give each service a folder of its own, beside the others.',
    });
  }
}

const rootOf = ({ entry }: AssembledService): string | undefined =>
  entry.decoded.blocks.install[0]?.args.root;

const hostsOf = ({ slots }: AssembledService): readonly string[] => [
  ...new Set(slots.flatMap((slot) => slot.hosts.map((host) => host.name))),
];

/** Itself and all folders above it. */
const foldersOf = (path: string): readonly string[] => {
  const parts = path.split('/');
  return parts.map((_, at) => parts.slice(0, parts.length - at).join('/'));
};
