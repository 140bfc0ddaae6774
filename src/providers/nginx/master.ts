/** The master process of nginx on its host: which workers it has, and how it is told to load its configuration. */
import type { Address } from '../../model/index.ts';
import type { Execution, HostChannel } from '../../transport/channel.ts';
import { mishap, refusal } from '../balancer/failure.ts';
import { exits as common, type Following, hostScripts } from '../balancer/host-scripts.ts';

const exits = { noPid: 66, notRunning: 69, refused: 70, denied: 77 } as const;

/**
 * Titles are nginx's own words for its processes (ngx_setproctitle): one string, without NULs in it; a worker that only
 * finishes says so. The shell reads them itself, because they are read again and again until a reload is over.
 */
const findMaster = `
[ -e "$pid_file" ] || exit ${exits.noPid}
[ -r "$pid_file" ] || exit ${exits.denied}
read -r master < "$pid_file" || [ -n "$master" ] || exit ${exits.notRunning}
case $master in ''|*[!0-9]*) exit ${exits.notRunning} ;; esac
[ -d "/proc/$master" ] || exit ${exits.notRunning}
title() { titled=; [ ! -r "/proc/$1/cmdline" ] || IFS= read -r titled < "/proc/$1/cmdline" || :; }
workers() {
  grep -hE "^[0-9]+ \\([^)]*\\) [^ZX] $master " /proc/[0-9]*/stat 2>/dev/null | while read -r pid rest; do
    title "$pid" 2>/dev/null
    case $titled in
      'nginx: worker process is shutting down'*) echo "retiring $pid" ;;
      'nginx: worker process'*) echo "serving $pid" ;;
    esac
  done
}
title "$master"
[ -n "$titled" ] || exit ${exits.denied}
case $titled in 'nginx: master process '*) ;; *) exit ${exits.notRunning} ;; esac
`;

const listScript = `${findMaster}
echo "master $master $titled"
workers
exit 0
`;

/** Its own check first, with the arguments that it was started with: what it would refuse is not even tried. In a subshell. */
const reload = `
[ "$master" = "$expected" ] || exit ${exits.notRunning}
kill -0 "$master" 2>/dev/null || exit ${exits.denied}
program=$(readlink "/proc/$master/exe") || exit ${exits.denied}
program=\${program% (deleted)}
set --
[ -z "$prefix" ] || set -- "$@" -p "$prefix"
[ -z "$errors" ] || set -- "$@" -e "$errors"
[ -z "$config" ] || set -- "$@" -c "$config"
[ -z "$directives" ] || set -- "$@" -g "$directives"
"$program" -t -q "$@" || exit ${exits.refused}
`;

const reloadScript = `${findMaster}${reload}kill -HUP "$master" || exit 1
`;

/** Tries of 20 ms until the workers of before are waited for call by call. */
const waits = 100;

/**
 * The same, and then until no worker of before takes requests: prints \`loaded\` after which those follow that still do.
 * Where anything is in the way it prints nothing.
 */
const reloadAndWait = `
( ${findMaster}${reload}
  before=$(workers) || exit 1
  [ -n "$before" ] && kill -HUP "$master" || exit 1
  waited=0
  while :; do
    left=
    for pid in $before; do
      case $pid in *[!0-9]*) continue ;; esac
      title "$pid" 2>/dev/null
      case $titled in 'nginx: worker process is shutting down'*) ;; 'nginx: worker process'*) left="$left $pid" ;; esac
    done
    [ -n "$left" ] && [ "$waited" -lt ${waits} ] || break
    waited=$((waited + 1)); sleep 0.02
  done
  echo "$mark loaded"; echo $left
) 2>/dev/null
`;

const mayReloadScript = `${findMaster}
kill -0 "$master" 2>/dev/null || exit ${exits.denied}
`;

export interface MasterProcess {
  readonly pid: number;
  /** As it shows itself: `nginx: master process /usr/sbin/nginx -g daemon on;`. */
  readonly title: string;
  /** Workers that take new connections. */
  readonly serving: readonly number[];
  /** Workers of an earlier configuration, which end when their last connection does. */
  readonly retiring: readonly number[];
}

export interface Master {
  read(signal: AbortSignal): Promise<MasterProcess>;
  /** What `masterLook` has printed, by title; undefined: it could not be seen, and `read` says why. */
  seen(printed: ReadonlyMap<string, string>): MasterProcess | undefined;
  /**
   * A reload, and a wait until the workers of before take no more requests: prints a line `$mark loaded` then, and those
   * that still do. Where anything is in the way it prints nothing, and `reload` says what.
   */
  reloadAndWait(process: MasterProcess): Following;
  /** Refuses with `config-refused`, effect none, what nginx's own check refuses. That it took effect is to be looked at. */
  reload(process: MasterProcess, signal: AbortSignal): Promise<void>;
  /** Throws where a reload would not be possible. */
  mayReload(signal: AbortSignal): Promise<void>;
}

/** What stands after each option in its title, where blanks are not quoted: up to the next option. */
export function argumentsOf(title: string): Readonly<Record<'c' | 'e' | 'g' | 'p', string>> {
  const found = { c: '', e: '', g: '', p: '' };
  const [, ...parts] = title.trimEnd().split(/ -(?=[cegp] )/);
  for (const part of parts) {
    const option = part.charAt(0);
    if (option === 'c' || option === 'e' || option === 'g' || option === 'p') found[option] = part.slice(2);
  }
  return found;
}

/** Prints its processes after a line `$mark nginx`. */
export const masterLook = (pidFile: string): Following => ({
  before: '',
  text: `echo "$mark nginx"\n( ${listScript})\n`,
  values: { pid_file: pidFile },
});

export function nginxMaster(channel: HostChannel, pidFile: string, balancer: Address): Master {
  const { run } = hostScripts(channel);

  const notFound = ({ code, signal, stderr }: Execution) =>
    refusal({
      code: 'balancer-unreachable',
      summary: 'The load balancer does not run',
      detail:
        code === exits.noPid
          ? `${pidFile} on ${channel.host} does not exist, so nginx does not run there, or writes its number elsewhere.`
          : code === exits.notRunning
            ? `${pidFile} on ${channel.host} names no running master process of nginx.`
            : code === exits.denied
              ? `The processes of nginx on ${channel.host} cannot be seen or told: the user of the connection may not, and neither with \`become\`.`
              : `Looking for nginx on ${channel.host} failed: ${stderr.trim() || (signal ?? `exit code ${code}`)}.`,
      hint: 'Start nginx; set pid_file to what its `pid` directive says; and let the user of the connection be root, with `become = "sudo"`.',
      address: balancer,
    });

  const parse = (text: string): MasterProcess | undefined => {
    const lines = text.split('\n');
    const [, pid, title = ''] = /^master (\d+) (.*)$/.exec(lines[0] ?? '') ?? [];
    const of = (word: string): readonly number[] =>
      lines.flatMap((line) => (line.startsWith(`${word} `) ? [Number(line.slice(word.length + 1))] : []));
    return pid === undefined
      ? undefined
      : { pid: Number(pid), title, serving: of('serving'), retiring: of('retiring') };
  };

  const reloadValues = ({ pid, title }: MasterProcess): Readonly<Record<string, string>> => {
    const { c, e, g, p } = argumentsOf(title);
    return {
      pid_file: pidFile,
      expected: String(pid),
      config: c,
      errors: e,
      directives: g,
      prefix: p,
    };
  };

  return {
    async read(signal) {
      const result = await run(listScript, { pid_file: pidFile }, signal);
      const found = parse(result.stdout);
      if (result.code !== 0 || found === undefined) throw notFound(result);
      return found;
    },

    seen: (printed) => parse(printed.get('nginx') ?? ''),

    reloadAndWait: (process) => ({
      before: `command -v sleep >/dev/null 2>&1 || exit ${common.helpless}`,
      text: reloadAndWait,
      values: reloadValues(process),
    }),

    async reload(process, signal) {
      const { pid } = process;
      const result = await run(reloadScript, reloadValues(process), signal);
      if (result.code === 0) return;
      if (result.code === exits.refused) {
        throw refusal({
          code: 'config-refused',
          summary: 'nginx refuses its configuration',
          detail: `nginx on ${channel.host} checked the configuration that a reload would load and said:\n${result.stderr.trim()}\nThe running configuration was not touched.`,
          hint: 'Correct what it names, and plan again.',
          address: balancer,
        });
      }
      if (result.code === undefined || result.code === 1) {
        throw mishap({
          code: 'reload-failed',
          summary: 'nginx could not be told to reload',
          detail: `Telling process ${pid} on ${channel.host} failed: ${result.stderr.trim() || (result.signal ?? 'no reason')}.`,
          hint: 'Plan again: what is really there will be shown.',
          address: balancer,
        });
      }
      throw notFound(result);
    },

    async mayReload(signal) {
      const result = await run(mayReloadScript, { pid_file: pidFile }, signal);
      if (result.code !== 0) throw notFound(result);
    },
  };
}
