/** Loads another configuration file into a running HAProxy: checked by HAProxy itself first, seen to be loaded after. */
import { type Context, ProviderFailure, sameValue } from '../../model/index.ts';
import type { HostChannel } from '../../transport/channel.ts';
import { messageOf, mishap, refusal, stopIfAborted, whileChanging } from '../balancer/failure.ts';
import { describeRoute, type HostReading, isReadable, type RouteCell } from '../balancer/reading.ts';
import { configFilesOf, parseCommandLine } from './command-line.ts';
import { isLoaded } from './config-text.ts';
import { type HaproxyHost, readHost, readProcesses } from './read.ts';
import { memberCommand, toWorker } from './render.ts';

/** A configuration with thousands of backends loads in seconds. */
const loadMs = 30_000;
const pollMs = 100;

const exits = { named: 71, unread: 72 } as const;

/**
 * Runs HAProxy's own check on all the files that the running master was started with, in its folder and with its
 * environment, the new text in the place of the old one. What the master sets in its environment for its next self is
 * left out: with it the check would take itself for a reloaded master.
 */
const checkScript = `
cd "/proc/$pid/cwd" || exit 1
if [ -n "$chdir" ]; then cd "$chdir" || exit 1; fi
target=$(readlink -f -- "$file") || exit 1
candidate=$target.check.$$
trap 'rm -f -- "$candidate"' EXIT
printf '%s' "$text" > "$candidate" || exit 1
found=no
list=
while IFS= read -r each; do
  [ -n "$each" ] || continue
  real=$(readlink -f -- "$each")
  if [ -d "$each" ]; then
    case $target in "$real"/*.cfg) found=yes; here=$target ;; *) here= ;; esac
    ones=$({ for one in "$real"/*.cfg; do [ -f "$one" ] && printf '%s\\n' "$one"; done; [ -z "$here" ] || printf '%s\\n' "$here"; } | LC_ALL=C sort -u)
  elif [ "$real" = "$target" ]; then
    found=yes; ones=$target
    [ "$remove" = no ] || exit ${exits.named}
  else
    ones=$real
  fi
  list="$list$ones
"
done <<FILES
$files
FILES
[ "$found" = yes ] || exit ${exits.unread}
set --
while IFS= read -r one; do
  [ -n "$one" ] || continue
  if [ "$one" = "$target" ]; then
    [ "$remove" = no ] || continue
    one=$candidate
  fi
  set -- "$@" -f "$one"
done <<LIST
$list
LIST
program=$(readlink "/proc/$pid/exe")
[ -x "$program" ] || program=$(command -v haproxy) || program=/usr/sbin/haproxy
output=$({ grep -zv '^HAPROXY_' "/proc/$pid/environ"; printf '%s\\0' "$program" -c "$@"; } | xargs -0 env -i 2>&1)
code=$?
printf '%s\\n' "$output" | sed "s|$candidate|$target|g"
[ "$code" = 0 ] || exit 1
`;

/** Does it, guarded by `from`; puts the old text back when HAProxy does not take the new one. */
export async function configureHost(
  target: HaproxyHost,
  channel: HostChannel,
  from: string | null,
  to: string | null,
  cx: Context,
): Promise<void> {
  const { settings, files, host, balancer, name } = target;
  const path = settings.configFile;
  if (path === undefined) throw new Error(`${balancer} has no config_file`);
  const was = await files.read(path, cx.signal);
  const before = await readHost(target, cx.signal);
  const backends = new Set(before.workers[0].pools.keys());
  const isWritten = (was ?? null) === to;
  if (isWritten && (was === undefined || isLoaded(name, was, backends))) return;
  if (!isWritten && (was ?? null) !== from) {
    throw refusal({
      code: 'config-changed',
      summary: 'The configuration file was changed by someone else',
      detail: `${path} on ${host} is not as it was when the plan was made. It was not touched.`,
      hint: 'See what is different, then plan again.',
      address: balancer,
    });
  }
  refuseMovedRoutes(target, before);
  await check(target, channel, path, to, cx.signal);

  await whileChanging(async () => {
    await files.replace(path, was, to ?? undefined, cx.signal);
    try {
      await load(target, to, cx);
    } catch (error) {
      if (!isWritten) await putBack(target, path, was, to, error, cx);
      throw error;
    }
    await keepOutOfService(target, before, cx);
  });
}

/** A reload reads the map file: what only the workers know would be undone by it, in the middle of something else. */
function refuseMovedRoutes(
  { host, settings, balancer }: HaproxyHost,
  { workers, persisted }: HostReading,
): void {
  const running = workers[0].routes ?? new Map<string, RouteCell>();
  const text = (cell: RouteCell | undefined): string =>
    cell === undefined ? 'absent' : isReadable(cell) ? describeRoute(cell) : JSON.stringify(cell.unreadable);
  for (const route of new Set([...running.keys(), ...persisted.keys()])) {
    if (sameValue(running.get(route), persisted.get(route))) continue;
    throw refusal({
      code: 'reload-would-move-route',
      summary: 'A reload would move a route',
      detail: `On ${host} the route ${JSON.stringify(route)} is ${text(running.get(route))} in the running HAProxy and ${text(persisted.get(route))} in ${settings.mapFile}. The reload that the new configuration needs would bring back the file's. Nothing was changed.`,
      hint: 'Plan again: the difference will be shown, and mended first.',
      address: balancer,
    });
  }
}

async function check(
  { host, balancer, ...target }: HaproxyHost,
  channel: HostChannel,
  path: string,
  to: string | null,
  signal: AbortSignal,
): Promise<void> {
  const { master } = await readProcesses({ host, balancer, ...target }, signal);
  const options = { timeoutMs: loadMs, signal };
  // Where /proc is mounted with hidepid, other users' processes are root's to see.
  const shown = await channel.script(
    `tr '\\0' '\\n' < "/proc/$pid/cmdline"`,
    { pid: String(master) },
    { ...options, privileged: true },
  );
  const { files, chdir } = parseCommandLine(shown.stdout.replace(/\n$/, '').split('\n'));
  const values = {
    pid: String(master),
    chdir: chdir ?? '',
    file: path,
    text: to ?? '',
    remove: to === null ? 'yes' : 'no',
    files: configFilesOf(files),
  };
  const result = await channel.script(checkScript, values, { ...options, privileged: true });
  if (result.code === 0) return;
  const started = `HAProxy on ${host} was started with ${files.map((file) => `-f ${file}`).join(' ')}`;
  if (result.code === exits.unread) {
    throw refusal({
      code: 'config-not-read',
      summary: 'HAProxy does not read this configuration file',
      detail: `${started}, and ${path} is not one of these. What is written there would have no effect. Nothing was changed.`,
      hint: `Create ${path} empty, and start HAProxy with -f ${path} as its last file.`,
      address: balancer,
    });
  }
  if (result.code === exits.named) {
    throw refusal({
      code: 'config-still-named',
      summary: 'The configuration file cannot be removed',
      detail: `${started}: without ${path} it would not start again. Nothing was changed.`,
      hint: 'Start HAProxy without that file first.',
      address: balancer,
    });
  }
  throw refusal({
    code: 'config-refused',
    summary: 'HAProxy refuses the configuration',
    detail: `HAProxy on ${host} checked its configuration with the new ${path} and said:\n${(result.stdout + result.stderr).trim()}\nThe running configuration was not touched.`,
    hint: 'Correct what it names, in the declaration or in the files of the operator, and plan again.',
    address: balancer,
  });
}

/** Has the master reload, and waits until its serving worker is one that was loaded with this text. */
async function load(target: HaproxyHost, text: string | null, cx: Context): Promise<void> {
  const { master, host, balancer, name } = target;
  const before = await readProcesses(target, cx.signal);
  const known = new Set(before.workers.map(({ pid }) => pid));
  // The master replaces itself and may drop the connection before it answers.
  await master.ask(['reload'], { signal: cx.signal, changes: true }).catch((error: unknown) => {
    if (!(error instanceof ProviderFailure)) throw error;
  });
  const deadline = cx.clock.now() + loadMs;
  let last = 'the old worker still serves';
  while (cx.clock.now() < deadline) {
    await cx.clock.sleep(pollMs, cx.signal);
    stopIfAborted(cx.signal, 'waiting for HAProxy to load its configuration');
    try {
      const now = await readProcesses(target, cx.signal);
      if (now.failedReloads > before.failedReloads) {
        last = 'its master says that the reload has failed';
        break;
      }
      if (!now.workers.some(({ pid, serving }) => serving && !known.has(pid))) continue;
      const reading = await readHost(target, cx.signal);
      if (isLoaded(name, text ?? '', new Set(reading.workers[0].pools.keys()))) return;
      last = 'its new worker was loaded with another text';
    } catch (error) {
      // The socket is away for a moment while the master starts again.
      if (!(error instanceof ProviderFailure)) throw error;
      last = error.diagnostic.detail;
      if (error.diagnostic.code === 'balancer-workers-hidden') break;
    }
  }
  throw mishap({
    code: 'reload-failed',
    summary: 'HAProxy did not load the configuration',
    detail: `After the reload on ${host}, ${last}. The worker that was serving goes on.`,
    hint: "HAProxy's own log says why.",
    address: balancer,
  });
}

/** The old text again, and loaded: a master whose reload failed stays half-started until one succeeds. */
async function putBack(
  target: HaproxyHost,
  path: string,
  was: string | undefined,
  to: string | null,
  reason: unknown,
  cx: Context,
): Promise<void> {
  try {
    await target.files.replace(path, to ?? undefined, was, cx.signal);
    await load(target, was ?? null, cx);
  } catch (error) {
    throw mishap(
      {
        code: 'config-not-restored',
        summary: 'The configuration file could not be put back',
        detail: `${path} on ${target.host} holds the new text, which HAProxy did not load (${messageOf(reason)}). Putting the old one back failed: ${messageOf(error)}. The worker that was serving goes on.`,
        hint: `See \`haproxy -c\` and HAProxy's log on ${target.host}; a restart now may fail.`,
        address: target.balancer,
      },
      error,
    );
  }
}

/** Members that were out of service stay so: a new worker starts with all of them ready. */
async function keepOutOfService(target: HaproxyHost, before: HostReading, cx: Context): Promise<void> {
  const now = await readHost(target, cx.signal);
  const [serving] = now.workers;
  const commands = [...before.workers[0].pools].flatMap(([pool, { members }]) =>
    [...members].flatMap(([member, { admin }]) => {
      const known = serving.pools.get(pool)?.members.get(member);
      return known === undefined || known.admin === admin || admin === 'ready'
        ? []
        : [toWorker(serving.id, memberCommand(pool, member, admin))];
    }),
  );
  if (commands.length === 0) return;
  const answers = await target.master.ask(commands, { signal: cx.signal, changes: true });
  const refused = answers.findIndex((answer) => answer !== '');
  if (refused < 0) return;
  throw mishap({
    code: 'balancer-refused',
    summary: 'HAProxy refused a command',
    detail: `The new worker of HAProxy on ${target.host} answered \`${commands[refused]}\` with: ${answers[refused] ?? 'nothing, it is gone'}. The member was out of service before the reload, and may get requests now.`,
    hint: 'Plan again: what is really there will be shown.',
    address: target.balancer,
  });
}
