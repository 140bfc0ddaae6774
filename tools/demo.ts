/** bin/demo: the commands that a person would type, one after the other, and what their clients noticed of it. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { project } from './build/project.ts';

/** The parts of `lab status --json` and `show --json` that are told at the end. */
interface LabFigures {
  readonly traffic: {
    readonly figures: {
      readonly requests: number;
      readonly failed: number;
      readonly versions: readonly unknown[];
    };
  } | null;
}

interface RunFigures {
  readonly started_at: string;
  readonly ended_at: string;
  readonly steps: readonly { readonly op: string; readonly elapsed_ms: number }[];
}

/** A project of its own: the demo touches neither a lab that is up here nor what is recorded about it. */
const folder = join(project.root, '.deployctl/demo');
const program = join(project.root, 'bin/deployctl');
const trafficRate = 200;
/** Addresses to try, so that the demos of several people on one machine do not meet. */
const networks = ['127.7.100', '127.7.101', '127.7.102', '127.7.103'];

let environment: NodeJS.ProcessEnv = process.env;

/** Ctrl-C reaches the command that runs too, which ends by itself: then the lab is taken down as after anything else. */
let stoppedBy: NodeJS.Signals | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    stoppedBy ??= signal;
  });

async function demo(): Promise<number> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  ask(['lab', 'down', '--wipe']); // what a demo that was broken off may have left
  rmSync(join(folder, 'environments'), { recursive: true, force: true });
  for (const each of ['lab', 'canary']) {
    cpSync(join(project.root, 'environments', each), join(folder, 'environments', each), { recursive: true });
  }
  try {
    return await story();
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    console.log(`\nThe demo stopped: ${error.message}`);
    return 1;
  } finally {
    ask(['lab', 'down', '--wipe']);
  }
}

async function story(): Promise<number> {
  tell('Three web hosts and a load balancer, as SSH servers on loopback addresses of their own.');
  await labUp();

  tell('What a first deployment would do: every step, how it is undone, and what was proved about it.');
  await deployctl('plan', 'lab');
  await deployctl('apply', 'lab', '--auto-approve');

  tell(`From here on clients send ${trafficRate} requests a second, and every one that fails is counted.`);
  await deployctl('lab', 'up', '--traffic', String(trafficRate));
  await pause(1000);

  tell('Version 2.0.0 goes to the idle side, is checked there, and gets the traffic in one step.');
  await deployctl('apply', 'lab', '--var', 'version=2.0.0', '--auto-approve');
  const switched = lastRun();
  await deployctl('plan', 'lab', '--var', 'version=2.0.0', '--detailed-exitcode');

  tell('And back. The other side is still warm, so that this is one switch.');
  await pause(1000);
  await deployctl('revert', 'lab', '--auto-approve');
  const reverted = lastRun();
  await deployctl('plan', 'lab', '--detailed-exitcode');
  await deployctl('history', 'lab');
  await pause(1000);

  tell(
    'A canary: 5% of the requests, then 25%, and all only if the load balancer counted no more errors there.',
  );
  await deployctl('apply', 'canary', '--var', 'version=2.0.0', '--auto-approve');
  return conclude(switched, reverted);
}

async function conclude(switched: RunFigures, reverted: RunFigures): Promise<number> {
  await deployctl('lab', 'down');
  // Counted to the last answer: the figures outlive the lab.
  const { traffic } = JSON.parse(ask(['lab', 'status', '--json'])) as LabFigures;
  const { requests = 0, failed = 0, versions = [] } = traffic?.figures ?? {};
  const switchMs = switched.steps
    .filter(({ op }) => op === 'route.set')
    .reduce((sum, step) => sum + step.elapsed_ms, 0);
  const revertMs = Date.parse(reverted.ended_at) - Date.parse(reverted.started_at);
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  console.log(
    `\n${requests} requests, ${failed} failed; switched in ${seconds(switchMs)}, reverted in ${seconds(revertMs)}`,
  );
  const isGood = requests > 0 && failed === 0 && versions.length === 2;
  return isGood ? 0 : 1;
}

/** The first network of ours that is free. */
async function labUp(): Promise<void> {
  for (const [index, network] of networks.entries()) {
    environment = { ...process.env, DEPLOYCTL_VAR_network: network };
    const isLast = index === networks.length - 1;
    const probe = isLast ? undefined : spawnSync(program, ['lab', 'up'], { cwd: folder, env: environment });
    if (probe === undefined || probe.status === 0) {
      await deployctl('lab', 'up');
      return;
    }
  }
}

class Stopped extends Error {}

/** Runs it as a person would, on this terminal. Throws where it does not end with 0, and where the demo is to end. */
function deployctl(...argv: readonly string[]): Promise<void> {
  if (stoppedBy !== undefined) throw new Stopped(`it got ${stoppedBy}`);
  console.log(`\n$ deployctl ${argv.join(' ')}`);
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { cwd: folder, env: environment, stdio: 'inherit' });
    child.on('error', (error) => reject(new Stopped(`deployctl cannot be started: ${error.message}`)));
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Stopped(`"deployctl ${argv.join(' ')}" ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

/** Runs it unseen and gives what it prints. */
function ask(argv: readonly string[]): string {
  return spawnSync(program, argv, { cwd: folder, env: environment, encoding: 'utf8' }).stdout;
}

const lastRun = (): RunFigures => JSON.parse(ask(['show', 'lab', '--json'])) as RunFigures;

function tell(text: string): void {
  console.log(`\n── ${text}`);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

process.exitCode = await demo();
