/** The service's own commands at the points of its life, each where and as often as it asks. */
import type { HookDeclared, HookPoint, InstanceDeclared, SlotDeclared, Step } from '../model/index.ts';
import { placeOn, releaseFolder, type Sequence, unique } from './step.ts';

/** A revert goes back to what was installed before: what prepares an installation has no place in it. */
const notInARevert: ReadonlySet<HookPoint> = new Set(['before_install', 'after_install']);

/**
 * The hooks of one service in one plan. `each_host` gives a step for every instance; `first_host` and `operator` one
 * step for the whole plan, which every instance then waits for.
 */
export class Hooks {
  readonly #sequence: Sequence;
  readonly #shared = new Map<string, Step>();

  constructor(sequence: Sequence) {
    this.#sequence = sequence;
  }

  /**
   * What must be done before going on with this instance, once `needs` are done. Hooks of one point run in the order in
   * which they are declared; one that ran for another instance is waited for beside this one's own needs.
   */
  at(
    point: HookPoint,
    slot: SlotDeclared,
    instance: InstanceDeclared,
    release: string,
    needs: readonly Step[],
  ): readonly Step[] {
    if (this.#sequence.situation.intent.kind === 'revert' && notInARevert.has(point)) return needs;
    let last = needs;
    for (const [index, hook] of instance.hooks.filter((each) => each.point === point).entries()) {
      const shared = hook.on === 'each_host' ? undefined : this.#shared.get(keyOf(hook, index));
      last =
        shared === undefined
          ? [this.#add(hook, index, slot, instance, release, last)]
          : unique([...last, shared]);
    }
    return last;
  }

  #add(
    hook: HookDeclared,
    index: number,
    slot: SlotDeclared,
    instance: InstanceDeclared,
    release: string,
    needs: readonly Step[],
  ): Step {
    const key = keyOf(hook, index);
    const { service, folder, estimate } = this.#sequence.situation;
    const place = hook.on === 'operator' ? undefined : placeOn(service, instance.host);
    const made = this.#sequence.add({
      id: `${service.name}/${slot.name}/${place === undefined ? 'operator' : instance.host}/hook/${key}`,
      needs,
      address: hook.on === 'each_host' ? instance.address : service.address,
      verb: 'hook',
      title: `${hook.point}: ${commandLine(hook.argv)}`,
      where: place === undefined ? '' : `on ${instance.host}`,
      operation: {
        op: 'hook.run',
        point: hook.point,
        place,
        folder: place === undefined ? folder : releaseFolder(service.install, release),
        argv: hook.argv,
        environment: {
          DEPLOYCTL_HOOK: hook.point,
          DEPLOYCTL_SERVICE: service.name,
          DEPLOYCTL_SLOT: slot.name,
          DEPLOYCTL_RELEASE: service.release.version,
          ...(place === undefined ? {} : { DEPLOYCTL_HOST: instance.host }),
          ...hook.environment,
        },
        ...(place === undefined || instance.process?.user === undefined
          ? {}
          : { user: instance.process.user }),
        timeoutMs: hook.timeoutMs,
      },
      inverse: { kind: 'nothing', because: 'nothing to undo' },
      gate: 'it exits with 0',
      estimateSeconds: estimate('hook'),
    });
    if (hook.on !== 'each_host') this.#shared.set(key, made);
    return made;
  }
}

/** Names a hook among those of its service: the point, and which of that point's hooks. */
const keyOf = (hook: HookDeclared, index: number): string => `${hook.point}#${index}`;

/** What a person would type: a script shows its first line. */
export function commandLine(argv: readonly string[]): string {
  const script = argv[0] === 'sh' && argv[1] === '-eu' && argv[2] === '-c' ? argv[3] : undefined;
  const text = script === undefined ? argv.join(' ') : (script.trim().split('\n')[0] ?? '');
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
