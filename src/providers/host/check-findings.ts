/** What a host lacks, in words with a mend. Pure. */
import type { Declared, Diagnostic, HostDeclared } from '../../model/index.ts';
import { visible } from '../../model/index.ts';
import { sudoersLine } from '../../transport/index.ts';
import { isGzipped } from './artifact.ts';
import type { CheckAnswer, CheckedRoot, CheckRequest } from './check-script.ts';

export interface HostNeeds extends CheckRequest {
  /** Whether any service stands there; a host of a balancer alone is reached, and asked for its rights. */
  readonly hasInstances: boolean;
  readonly hasBalancer: boolean;
  /** Why rights of root are needed, each a clause; empty: they are not. */
  readonly rootFor: readonly string[];
  /** Bytes that the largest release takes while it is brought and unpacked. */
  readonly releaseBytes: number;
}

/** Archives unpack to about three times their size, and lie beside what they unpack to until that is done. */
const unpackFactor = 4;

/** What a run will need of this host, by all services that stand on it. */
export function needsOf(declared: Declared, host: HostDeclared): HostNeeds {
  const login = host.connection.kind === 'ssh' ? host.connection.user : undefined;
  const here = declared.services.flatMap((service) => {
    const instances = service.slots.flatMap((slot) =>
      slot.instances.filter((each) => each.host === host.name),
    );
    return instances.length === 0 ? [] : [{ service, instances }];
  });
  const processes = here.flatMap(({ instances }) => instances.flatMap(({ process }) => process ?? []));
  const owners = here.flatMap(({ service }) => service.install.owner ?? []);
  const users = unique([...owners, ...processes.flatMap(({ user }) => user ?? [])]);
  const others = users.filter((user) => user !== login);
  const artifacts = here.map(({ service }) => service.release.artifact);
  const needsSystemd = processes.some(({ kind }) => kind === 'systemd');
  return {
    hasInstances: here.length > 0,
    hasBalancer: declared.balancers.some(({ hosts }) => hosts.includes(host.name)),
    roots: unique(here.map(({ service }) => service.install.root)),
    users,
    programs: unique(processes.flatMap(programOf)),
    needsTar: artifacts.some(({ kind }) => kind !== 'file'),
    needsGzip: artifacts.some(({ kind, fileName }) => kind === 'archive' && isGzipped(fileName)),
    needsSystemd,
    needsChown: owners.length > 0,
    rootFor: [
      ...(needsSystemd ? ['units of systemd are written and started'] : []),
      ...(others.length > 0 ? [`files and processes belong to ${others.join(', ')}`] : []),
    ],
    releaseBytes: Math.max(0, ...artifacts.map(({ bytes }) => (bytes ?? 0) * unpackFactor)),
  };
}

type Process = NonNullable<Declared['services'][number]['slots'][number]['instances'][number]['process']>;

/** Relative programs are in the release, which may not be there yet. */
function programOf(process: Process): readonly string[] {
  const commands =
    process.kind === 'script' ? [process.start, process.stop, process.status] : [process.command];
  return commands.flatMap(([program = '']) => (program.startsWith('/') ? [program] : []));
}

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];

const about = (
  host: HostDeclared,
  diagnostic: Omit<Diagnostic, 'address' | 'subject' | 'severity'>,
): Diagnostic => ({
  severity: 'error',
  ...diagnostic,
  address: host.address,
  subject: host.origin,
});

export const toolFindings = (host: HostDeclared, { missingTools }: CheckAnswer): readonly Diagnostic[] =>
  missingTools.length === 0
    ? []
    : [
        about(host, {
          code: 'host-tool-missing',
          summary: 'A tool is missing on the host',
          detail: `${host.name} has no ${missingTools.map((each) => visible(each)).join('; no ')}.`,
          hint: 'Install it there with its package manager. deployctl needs POSIX sh and coreutils (or busybox), and tar for archives and folders.',
        }),
      ];

export const programFindings = (
  host: HostDeclared,
  { missingPrograms }: CheckAnswer,
): readonly Diagnostic[] =>
  missingPrograms.length === 0
    ? []
    : [
        about(host, {
          code: 'host-program-missing',
          summary: 'A program that a process starts is missing on the host',
          detail: `${host.name} has no ${missingPrograms.map((each) => visible(each)).join(', no ')} that may be started.`,
          hint: 'Install it there, or correct the command of the process block.',
        }),
      ];

export const userFindings = (host: HostDeclared, { missingUsers }: CheckAnswer): readonly Diagnostic[] =>
  missingUsers.map((user) =>
    about(host, {
      code: 'user-unknown',
      summary: 'User does not exist on the host',
      detail: `${host.name} has no user ${visible(user)}, whom the configuration names as user or owner.`,
      hint: `Create it there:\n    sudo useradd --system --no-create-home --shell /usr/sbin/nologin ${visible(user)}\nOr correct user or owner in the configuration.`,
    }),
  );

export const rootFindings = (host: HostDeclared, answer: CheckAnswer): readonly Diagnostic[] =>
  answer.roots.flatMap((each) =>
    each.obstacle === undefined ? [] : [about(host, rootWordings[each.obstacle](host.name, each, answer))],
  );

type RootWording = (
  host: string,
  root: CheckedRoot,
  answer: CheckAnswer,
) => Pick<Diagnostic, 'code' | 'summary' | 'detail' | 'hint'>;

const rootWordings: Readonly<Record<NonNullable<CheckedRoot['obstacle']>, RootWording>> = {
  denied: (host, root, { user }) => ({
    code: 'host-permission',
    summary: 'No right to do this on the host',
    detail: `${visible(user)} on ${host} may not write in ${whereOf(root)}.`,
    hint: `Give it the folder, on the host:\n    sudo install -d -o ${visible(user)} ${visible(root.root)}\nOr set become = "sudo" in its ssh block.`,
  }),
  'read-only': (host, root) => ({
    code: 'host-read-only',
    summary: 'File system of the host is read-only',
    detail: `Not even root may write in ${whereOf(root)} on ${host}.`,
    hint: 'Mount it for writing (a disk with errors is mounted read-only: look at dmesg), or give install another root.',
  }),
  'not-a-folder': (host, { root, near }) => ({
    code: 'install-root-obstructed',
    summary: 'Something stands in the place of a folder',
    detail: `${visible(near)} on ${host} is no folder, and ${visible(root)} has to be one.`,
    hint: 'Look at it, then move it away, or give install another root.',
  }),
};

const whereOf = ({ root, near }: CheckedRoot): string =>
  near === root ? visible(root) : `${visible(root)} (the nearest folder that exists is ${visible(near)})`;

const leastBytes = 256 * 1024 * 1024;
const leastFiles = 5_000;

export function spaceFindings(
  host: HostDeclared,
  { roots }: CheckAnswer,
  { releaseBytes }: HostNeeds,
): readonly Diagnostic[] {
  const wanted = Math.max(leastBytes, releaseBytes);
  return roots.flatMap(({ root, freeBytes, freeFiles }): readonly Diagnostic[] => {
    if (freeBytes !== undefined && freeBytes < wanted) {
      return [
        about(host, {
          code: 'host-disk-low',
          summary: 'Disk of a host is almost full',
          detail: `${host.name} has ${megabytes(freeBytes)} free below ${visible(root)}; ${megabytes(wanted)} are asked for, so that a release can be brought and unpacked.`,
          hint: 'Make room there, or lower keep in the install block.',
        }),
      ];
    }
    if (freeFiles !== undefined && freeFiles < leastFiles) {
      return [
        about(host, {
          code: 'host-inodes-low',
          summary: 'File system of a host has hardly a file left to give',
          detail: `${host.name} can make ${freeFiles} more files below ${visible(root)} (inodes), whatever room there is.`,
          hint: 'Find what made so many small files there: df -i',
        }),
      ];
    }
    return [];
  });
}

const megabytes = (bytes: number): string => `${Math.floor(bytes / 1_000_000)} MB`;

/** Rights of root are needed, and `become` does not ask for them. */
export const rightsMissing = (
  host: HostDeclared,
  { rootFor }: HostNeeds,
  login: CheckAnswer,
): readonly Diagnostic[] =>
  rootFor.length === 0
    ? []
    : [
        about(host, {
          code: 'rights-missing',
          summary: 'Rights of root are needed on the host',
          detail: `${visible(login.user)} on ${host.name} is not root, and ${rootFor.join('; ')}.`,
          hint: `Set become = "sudo" in its ssh block, and allow it on the host:\n${sudoersHint(login)}`,
        }),
      ];

/** sudo said no: with the very lines that make it say yes. */
export const sudoRefused = (host: HostDeclared, login: CheckAnswer, why: Diagnostic): Diagnostic =>
  about(host, {
    code: why.code,
    summary: why.summary,
    detail: why.detail,
    hint: `Allow it on the host, with this one line (visudo checks it before it counts):\n${sudoersHint(login)}`,
  });

/** A login name that is no plain word has to be written by hand. */
const sudoersHint = ({ user, shell }: CheckAnswer): string =>
  `    sudo visudo -f /etc/sudoers.d/deployctl\n    ${sudoersLine(
    /^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$/.test(user) ? user : 'THE_LOGIN_USER',
    /^\/[A-Za-z0-9_./-]+$/.test(shell) ? shell : '/bin/sh',
  )}\nIt allows no other command; what it runs is what deployctl sends, so the key of this login is worth root.`;
