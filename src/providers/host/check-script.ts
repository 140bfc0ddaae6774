/**
 * What a run will need of a host, asked in one script that changes nothing. It is run as the login user, and where
 * `become` is sudo a second time with the rights of root: what a folder allows differs between the two.
 *
 * Its answer is one record a line, `<tag> <rest>`; the last line is `end`.
 */
import { quoteArgument } from '../../transport/index.ts';
import { sh } from './shell.ts';

export interface CheckRequest {
  /** Install roots, absolute or below `~`. */
  readonly roots: readonly string[];
  /** Users and owners that have to exist. */
  readonly users: readonly string[];
  /** Absolute paths of programs that processes start. */
  readonly programs: readonly string[];
  readonly needsTar: boolean;
  readonly needsGzip: boolean;
  readonly needsSystemd: boolean;
  /** Whether files have to be given to another user. */
  readonly needsChown: boolean;
}

export interface CheckAnswer {
  readonly user: string;
  readonly isRoot: boolean;
  readonly home: string;
  /** Absolute path of sh, for sudoers. */
  readonly shell: string;
  /** Seconds since the epoch by the host's clock. */
  readonly time: number;
  readonly missingTools: readonly string[];
  readonly missingUsers: readonly string[];
  readonly missingPrograms: readonly string[];
  readonly roots: readonly CheckedRoot[];
}

export interface CheckedRoot {
  readonly root: string;
  /** The nearest folder that exists, itself or above it. */
  readonly near: string;
  /** Why nothing can be made there: `read-only` file system, `denied`, `not-a-folder`; undefined: it can. */
  readonly obstacle: 'read-only' | 'denied' | 'not-a-folder' | undefined;
  readonly freeBytes: number | undefined;
  readonly freeFiles: number | undefined;
}

const functions = sh`
has() { command -v "$1" >/dev/null 2>&1; }
one_of() {
  for tool in "$@"; do has "$tool" && return; done
  printf 'tool %s' "$1"; shift; [ $# -eq 0 ] || printf ' or %s' "$@"; echo
}
# Only coreutils, BSD and newer busybox can put one symlink in the place of another in one step.
swaps_links() {
  mv --help 2>&1 | grep -q -e -T && return
  has perl || has python3 || case $(uname) in *BSD | Darwin) ;; *) echo 'tool mv -T (of coreutils) or perl or python3' ;; esac
}
check_root() {
  case $1 in '~' | '~/'*) root=$HOME${'$'}{1#'~'} ;; *) root=$1 ;; esac
  near=$root
  while [ ! -e "$near" ] && [ ! -L "$near" ]; do
    case $near in /*/*) near=${'$'}{near%/*} ;; *) near=/ ;; esac
  done
  if [ ! -d "$near" ]; then may=not-a-folder
  elif [ -w "$near" ] && [ -x "$near" ]; then may=yes
  elif [ "$(id -u)" = 0 ]; then may=read-only
  else may=denied; fi
  for own in "$root/.deployctl" "$root/releases"; do
    [ "$may" = yes ] && [ -d "$own" ] && [ ! -w "$own" ] && may=denied near=$own
  done
  free=$(df -Pk "$near" 2>/dev/null | { read -r _; read -r _ _ _ free _; echo "$free"; })
  # Some file systems make inodes as they are needed, and say 0 of 0.
  files=$(df -Pi "$near" 2>/dev/null | { read -r _; read -r _ total _ free _; [ "$total" = 0 ] || echo "$free"; })
  printf 'root %s %s %s %s\n' "$may" "${'$'}{free:--}" "${'$'}{files:--}" "$near"
}
`;

/** Tools that scripts use and that a small system may lack. The shell itself answers, so it is there. */
const always = [
  'cat',
  'chmod',
  'date',
  'df',
  'id',
  'ln',
  'mkdir',
  'mv',
  'readlink',
  'rm',
  'sed',
  'sleep',
  'tr',
];

export function renderCheck(request: CheckRequest): string {
  const tools = [
    ...always,
    ...(request.needsTar ? ['tar'] : []),
    ...(request.needsGzip ? ['gzip'] : []),
    ...(request.needsChown ? ['chown'] : []),
    ...(request.needsSystemd ? ['systemctl'] : []),
  ];
  const users = request.users.map(
    (user) => `id -u ${quoteArgument(user)} >/dev/null 2>&1 || printf 'user %s\\n' ${quoteArgument(user)}`,
  );
  const programs = request.programs.map(
    (path) => `[ -x ${quoteArgument(path)} ] || printf 'program %s\\n' ${quoteArgument(path)}`,
  );
  return [
    functions,
    `printf 'time %s\\n' "$(date +%s)"`,
    `printf 'login %s %s\\n' "$(id -u)" "$(id -un)"`,
    `printf 'home %s\\n' "$HOME"`,
    `printf 'shell %s\\n' "$(command -v sh)"`,
    ...tools.map((tool) => `one_of ${tool}`),
    'one_of sha256sum shasum openssl',
    'swaps_links',
    ...(request.needsSystemd
      ? [`[ -d /run/systemd/system ] || echo 'tool systemd as the init of the host'`]
      : []),
    ...users,
    ...programs,
    ...request.roots.map((root) => `check_root ${quoteArgument(root)}`),
    'echo end',
  ].join('\n');
}

/** undefined: the answer is not whole. Everything in it is remote text. */
export function parseCheck(roots: readonly string[], answer: string): CheckAnswer | undefined {
  const records = answer.split('\n').map((line): readonly [string, string] => {
    const at = line.indexOf(' ');
    return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
  });
  const all = (tag: string): readonly string[] =>
    records.filter(([each]) => each === tag).map(([, rest]) => rest);
  if (all('end').length === 0) return undefined;
  const [uid = '', user = ''] = (all('login')[0] ?? '').split(' ');
  const seenRoots = all('root');
  return {
    user,
    isRoot: uid === '0',
    home: all('home')[0] ?? '',
    shell: all('shell')[0] ?? '',
    time: Number(all('time')[0]) || 0,
    missingTools: all('tool'),
    missingUsers: all('user'),
    missingPrograms: all('program'),
    roots: roots.flatMap((root, index) => {
      const [may = '', free = '', files = '', ...near] = (seenRoots[index] ?? '').split(' ');
      if (may === '') return [];
      return [
        {
          root,
          near: near.join(' '),
          obstacle: obstacles.find((each) => each === may),
          freeBytes: count(free, 1024),
          freeFiles: count(files, 1),
        },
      ];
    }),
  };
}

const obstacles = ['read-only', 'denied', 'not-a-folder'] as const;

/** `-`: the file system does not count them. */
const count = (text: string, unit: number): number | undefined =>
  /^\d+$/.test(text) ? Number(text) * unit : undefined;
