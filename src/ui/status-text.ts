/** Every service on a line: what takes the traffic, how well it is, what stands by. */
import type {
  InstanceStatus,
  RunInProgress,
  ServiceHealth,
  ServiceStatus,
  SlotStatus,
  StatusReport,
  Sync,
} from '../model/index.ts';
import { hostNames } from './hosts-text.ts';
import { columns, hang, padEnd, wrap } from './layout.ts';
import { type Paint, paint as paintOf } from './paint.ts';
import { byName, type Pasteable } from './pasteable.ts';
import { printable } from './printable.ts';
import { agoText, counted } from './time-text.ts';

export interface StatusTextOptions {
  readonly color: boolean;
  readonly width: number;
  /** Fills in the commands that are told; without it the environment is called by its name. */
  readonly pasteable?: Pasteable | undefined;
}

/** Ends without a line end; no line is wider than `width` (below 48 counts as 48). */
export function renderStatus(
  report: StatusReport,
  { color, width: wanted, pasteable }: StatusTextOptions,
): string {
  const paint = paintOf(color);
  const width = Math.max(48, wanted);
  const safe = printable(report);
  return [
    ...headLines(safe, paint, width),
    ...serviceLines(safe.services, paint, width),
    ...(safe.services.length === 0 ? ['  No services are declared.'] : []),
    ...safe.notes.flatMap(({ summary, detail }) =>
      hang('  ! ', `${summary}: ${detail}`, width).map(paint.yellow),
    ),
    ...(safe.run === undefined
      ? []
      : ['', ...runLines(safe.run, safe, pasteable ?? byName(safe.environment), width)]),
  ].join('\n');
}

const syncWords: Readonly<Record<Sync, string>> = {
  in_sync: 'in sync',
  out_of_sync: 'out of sync',
  unknown: 'not all could be seen',
};

const paintSync = (sync: Sync, paint: Paint): string =>
  (sync === 'in_sync' ? paint.green : paint.yellow)(syncWords[sync]);

const paintHealth = (health: ServiceHealth, text: string, paint: Paint): string =>
  health === 'healthy' ? paint.green(text) : health === 'degraded' ? paint.red(text) : paint.yellow(text);

/** The worst first: what is wrong somewhere is wrong with the whole. */
const worst = <T extends string>(order: readonly [T, ...T[]], values: readonly T[]): T =>
  order.find((each) => values.includes(each)) ?? order[0];

function headLines(report: StatusReport, paint: Paint, width: number): readonly string[] {
  const { services, deployment, environment } = report;
  const sync = worst(
    ['out_of_sync', 'unknown', 'in_sync'],
    services.map((each) => each.sync),
  );
  const health = worst(
    ['degraded', 'unknown', 'progressing', 'healthy'],
    services.map((each) => each.health),
  );
  const deployed =
    deployment === undefined
      ? 'nothing deployed yet'
      : `deployment ${deployment.number}, ${agoText(deployment.at, report.at)} by ${deployment.who}`;
  const plain = services.length === 0 ? deployed : `${syncWords[sync]} · ${health} · ${deployed}`;
  const painted =
    services.length === 0
      ? deployed
      : `${paintSync(sync, paint)} · ${paintHealth(health, health, paint)} · ${deployed}`;
  const room = width - columns(environment) - columns(plain);
  if (room >= 2) return [`${paint.bold(environment)}${' '.repeat(room)}${painted}`];
  return [...wrap(environment, width).map(paint.bold), ...wrap(plain, width - 2).map((line) => `  ${line}`)];
}

interface Row {
  readonly service: ServiceStatus;
  readonly release: string;
  readonly shares: string;
  readonly bar: string;
  readonly count: string;
  readonly others: string;
}

function serviceLines(services: readonly ServiceStatus[], paint: Paint, width: number): readonly string[] {
  const rows = services.map(rowOf);
  const width1 = longest(rows.map(({ service }) => service.name));
  const width2 = longest(rows.map(({ release }) => release));
  const width3 = longest(rows.map(({ shares }) => shares));
  const width5 = longest(rows.map(({ count }) => count));
  return rows.flatMap((row) => {
    const { service, release, shares, bar, count, others } = row;
    const left = `  ${padEnd(service.name, width1)}  ${padEnd(release, width2)}  ${padEnd(shares, width3)}  `;
    const drift = service.sync === 'in_sync' ? '' : syncWords[service.sync];
    const right = [drift, others].filter((each) => each !== '').join(' · ');
    const plain = `${left}${bar}  ${padEnd(count, width5)}`;
    const main =
      columns(plain) <= width
        ? [`${left}${paintHealth(service.health, bar, paint)}  ${padEnd(count, width5)}`]
        : wrap(`${service.name} ${release} ${shares} ${count}`, width - 2).map((line) => `  ${line}`);
    const fits = main.length === 1 && columns(plain) + 2 + columns(right) <= width;
    const beside = right === '' ? [] : hang('      ', right, width);
    return [
      ...(fits
        ? [`${main[0] ?? ''}  ${right}`.trimEnd()]
        : [...main.map((line) => line.trimEnd()), ...beside]),
      ...troubleLines(service, paint, width),
    ];
  });
}

const longest = (texts: readonly string[]): number => Math.max(0, ...texts.map(columns));

function rowOf(service: ServiceStatus): Row {
  const serving = servingSlots(service);
  const hosts = serving.flatMap((slot) => slot.hosts);
  const healthy = hosts.filter(isWell).length;
  const others = service.slots.filter((slot) => !serving.includes(slot));
  return {
    service,
    release: service.release ?? '-',
    shares: sharesText(serving),
    bar: barText(healthy, hosts.length),
    count: hosts.some(({ health }) => health !== 'not_checked')
      ? `${healthy} of ${hosts.length} healthy`
      : `${healthy} of ${hosts.length} running`,
    others: others
      .map(standbyText)
      .filter((each) => each !== '')
      .join(', '),
  };
}

/** `green 100%`; of a canary whose two releases both serve, `blue 1.0.0 90% · green 2.0.0 10%`. */
function sharesText(serving: readonly SlotStatus[]): string {
  const releases = new Set(serving.map(({ release }) => release));
  return serving
    .map(({ name, share, release }) =>
      [name, releases.size > 1 ? (release ?? 'mixed') : '', share === undefined ? '' : `${share}%`]
        .filter((part) => part !== '')
        .join(' '),
    )
    .join(' · ');
}

/** The slots that get traffic; without a balancer the active one, and where that is not known, all. */
function servingSlots({ slots, active }: ServiceStatus): readonly SlotStatus[] {
  const shared = slots.filter(({ share }) => share !== undefined && share > 0);
  if (shared.length > 0) return shared.toSorted((left, right) => (right.share ?? 0) - (left.share ?? 0));
  const chosen = slots.filter(({ name }) => name === active);
  return chosen.length > 0 ? chosen : slots;
}

const isWell = ({ process, health }: InstanceStatus): boolean =>
  process === 'running' && (health === 'healthy' || health === 'not_checked');

/** `blue 1.0.0 warm, 3 of 3`: whether traffic could go back there at once. */
function standbyText({ name, release, hosts }: SlotStatus): string {
  const running = hosts.filter(isWell).length;
  const unseen = hosts.filter(({ process }) => process === 'unknown').length;
  if (unseen > 0) {
    return `${name}${release === undefined ? '' : ` ${release}`} not seen on ${unseen} of ${hosts.length}`;
  }
  if (running === 0 && hosts.every(({ process }) => process === 'stopped')) {
    return release === undefined ? `${name} empty` : `${name} ${release} stopped`;
  }
  return `${name} ${release ?? 'mixed'} ${running === hosts.length ? 'warm' : 'partly warm'}, ${running} of ${hosts.length}`;
}

const cells = 10;

/** Full only when all are well, empty only when none is. */
function barText(well: number, all: number): string {
  const share = all === 0 ? 0 : (cells * well) / all;
  const filled =
    well === all && all > 0 ? cells : Math.min(cells - 1, Math.max(well > 0 ? 1 : 0, Math.floor(share)));
  return '█'.repeat(filled) + '░'.repeat(cells - filled);
}

/** Reasons for trouble that are told; what many hosts have in common is told once. */
const mostReasons = 4;

function troubleLines(service: ServiceStatus, paint: Paint, width: number): readonly string[] {
  const troubled = servingSlots(service)
    .flatMap(({ name, hosts }) => hosts.map((instance) => ({ name, instance })))
    .filter(({ instance }) => !isWell(instance));
  const reasons = [
    ...Map.groupBy(troubled, ({ name, instance }) => JSON.stringify([name, troubleText(instance)])).values(),
  ];
  const told = reasons.slice(0, mostReasons).flatMap((alike) => {
    const [first] = alike;
    if (first === undefined) return [];
    const slot = service.slots.length > 1 ? `${first.name} on ` : '';
    const hosts = hostNames(
      alike.map(({ instance }) => instance.host),
      4,
    );
    const why = troubleText(first.instance);
    return hang('      ', `${slot}${hosts}${alike.length === 1 ? ' ' : ': '}${why}`, width);
  });
  const rest = reasons.slice(mostReasons).reduce((sum, alike) => sum + alike.length, 0);
  return [...told, ...(rest > 0 ? [`      and ${counted(rest, 'more host')} in trouble`] : [])].map(
    paint.red,
  );
}

function troubleText({ why, process, health }: InstanceStatus): string {
  if (why !== undefined) return why;
  if (process === 'unknown') return 'could not be seen';
  return process === 'stopped'
    ? 'does not run'
    : `is ${health === 'unknown' ? 'not known to be healthy' : health}`;
}

function waiting({ waitsFor }: RunInProgress): string {
  if (waitsFor === undefined) return '';
  return waitsFor === 'promote'
    ? ' It waits for a person, who lets it go on or undoes it:'
    : ' It is paused. To let it go on, or to undo it:';
}

function runLines(
  run: RunInProgress,
  report: StatusReport,
  pasteable: Pasteable,
  width: number,
): readonly string[] {
  const progress = `${run.stepsDone} of ${counted(run.stepsTotal, 'step')} done`;
  const who = `by ${run.actor.who}, started ${agoText(run.startedAt, report.at)}`;
  if (run.isAlive) {
    const standing = wrap(`Run ${run.run} is in progress (${who}): ${progress}.${waiting(run)}`, width);
    if (run.waitsFor === undefined) return standing;
    return [
      ...standing,
      `    ${pasteable(run.waitsFor === 'promote' ? 'deployctl promote ENV' : 'deployctl continue ENV')}`,
      `    ${pasteable('deployctl abort ENV')}`,
    ];
  }
  return [
    ...wrap(`Run ${run.run} stopped part-way (${who}): ${progress}. To go on with it, or to undo it:`, width),
    `    ${pasteable('deployctl apply ENV --resume')}`,
    `    ${pasteable('deployctl abort ENV')}`,
  ];
}
