/** The master process of nginx on its host: which workers it has, and how it is told to load its configuration. */
import type { Address } from '../../model/index.ts';
import type { Execution, HostChannel } from '../../transport/channel.ts';
import { mishap, refusal } from '../balancer/failure.ts';

const timeoutMs = 30_000;

const exits = { noPid: 66, notRunning: 69, refused: 70, denied: 77 } as const;

/** Titles are nginx's own words for its processes (ngx_setproctitle): a worker that only finishes says so. */
const findMaster = `
[ -e "$pid_file" ] || exit ${exits.noPid}
[ -r "$pid_file" ] || exit ${exits.denied}
read -r master < "$pid_file" || [ -n "$master" ] || exit ${exits.notRunning}
case $master in ''|*[!0-9]*) exit ${exits.notRunning} ;; esac
[ -d "/proc/$master" ] || exit ${exits.notRunning}
title() { tr '\\0' ' ' < "/proc/$1/cmdline" 2>/dev/null; }
titled=$(title "$master")
[ -n "$titled" ] || exit ${exits.denied}
case $titled in 'nginx: master process '*) ;; *) exit ${exits.notRunning} ;; esac
`;

const listScript = `${findMaster}
echo "master $master $titled"
grep -hE "^[0-9]+ \\([^)]*\\) [^ZX] $master " /proc/[0-9]*/stat 2>/dev/null | while read -r pid rest; do
  case $(title "$pid") in
    'nginx: worker process is shutting down'*) echo "retiring $pid" ;;
    'nginx: worker process'*) echo "serving $pid" ;;
  esac
done
exit 0
`;

/** Its own check first, with the arguments that it was started with: what it would refuse is not even tried. */
const reloadScript = `${findMaster}
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
kill -HUP "$master" || exit 1
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

export function nginxMaster(channel: HostChannel, pidFile: string, balancer: Address): Master {
  /** First as the user of the connection; with the rights of root only where that is not enough. */
  async function run(
    script: string,
    values: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Execution> {
    const first = await channel.script(script, values, { timeoutMs, signal });
    return first.code === exits.denied
      ? channel.script(script, values, { timeoutMs, signal, privileged: true })
      : first;
  }

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

  return {
    async read(signal) {
      const result = await run(listScript, { pid_file: pidFile }, signal);
      const lines = result.stdout.split('\n');
      const [, pid, title = ''] = /^master (\d+) (.*)$/.exec(lines[0] ?? '') ?? [];
      if (result.code !== 0 || pid === undefined) throw notFound(result);
      const of = (word: string): readonly number[] =>
        lines.flatMap((line) => (line.startsWith(`${word} `) ? [Number(line.slice(word.length + 1))] : []));
      return { pid: Number(pid), title, serving: of('serving'), retiring: of('retiring') };
    },

    async reload({ pid, title }, signal) {
      const { c, e, g, p } = argumentsOf(title);
      const values = {
        pid_file: pidFile,
        expected: String(pid),
        config: c,
        errors: e,
        directives: g,
        prefix: p,
      };
      const result = await run(reloadScript, values, signal);
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
