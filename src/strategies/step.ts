/** How strategies write steps: ids that follow from the content, needs as steps, one phase a line of the plan. */
import type {
  Address,
  InstallDeclared,
  Inverse,
  Operation,
  Phase,
  Place,
  ServiceDeclared,
  Step,
  StepId,
} from '../model/index.ts';
import type { Situation } from './situation.ts';

/**
 * The steps of one service as they are written down, each after those that it needs. Whoever adds steps gives back
 * those that have to be done before what follows.
 */
export class Sequence {
  readonly situation: Situation;
  readonly #steps: Step[] = [];
  #part = '';
  #stage: number | undefined;

  constructor(situation: Situation) {
    this.situation = situation;
  }

  get steps(): readonly Step[] {
    return this.#steps;
  }

  /** What is added from now on has lines of the plan of its own: a zone, a step of a canary. */
  beginPart(part: string): void {
    this.#part = part;
  }

  /** What is added from now on belongs to this stage of the rollout; undefined: to none. */
  beginStage(stage: number | undefined): void {
    this.#stage = stage;
  }

  add(draft: Omit<StepDraft, 'service'>): Step {
    const line = [draft.line ?? '', this.#part].filter((each) => each !== '').join('|');
    const plain = step({ ...draft, line, service: this.situation.service.address });
    const made = this.#stage === undefined ? plain : { ...plain, stage: this.#stage };
    this.#steps.push(made);
    return made;
  }
}

export interface StepDraft {
  /** Path of the step in the plan, unique: `shop/green/web-1/start`. */
  readonly id: string;
  readonly needs: readonly Step[];
  readonly service: Address | undefined;
  readonly address: Address;
  readonly verb: string;
  readonly title: string;
  /** Distinguishes lines of the plan with the same verb and title: the batch, for one. */
  readonly line?: string;
  /** Where it happens, for the summary: `on web-1`. */
  readonly where: string;
  readonly operation: Operation;
  readonly inverse: Inverse;
  readonly gate?: string;
  readonly estimateSeconds: number;
}

function step(draft: StepDraft): Step {
  const phase: Phase = {
    key: [draft.service ?? '', draft.verb, draft.title, draft.line ?? ''].join('|'),
    verb: draft.verb,
    title: draft.title,
  };
  return {
    id: draft.id as StepId,
    needs: idsOf(draft.needs),
    service: draft.service,
    address: draft.address,
    phase,
    summary: [draft.verb, draft.title, draft.where].filter((part) => part !== '').join(' '),
    operation: draft.operation,
    inverse: draft.inverse,
    gate: draft.gate,
    estimateSeconds: draft.estimateSeconds,
  };
}

const known = new WeakMap<readonly Step[], readonly StepId[]>();

/** One array for all that wait for the same: a batch of a thousand hosts waits for a thousand uploads. */
function idsOf(steps: readonly Step[]): readonly StepId[] {
  const ids = known.get(steps) ?? unique(steps.map((step) => step.id));
  known.set(steps, ids);
  return ids;
}

/** `30 s`, `5 min`, `1 h 30 min`: for titles. */
export function timeInWords(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 120) return `${seconds} s`;
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return [hours > 0 ? `${hours} h` : '', minutes > 0 ? `${minutes} min` : '', rest > 0 ? `${rest} s` : '']
    .filter((part) => part !== '')
    .join(' ');
}

export const nothingToUndo: Inverse = { kind: 'nothing', because: '-' };

export const placeOn = (service: ServiceDeclared, host: string): Place => ({
  service: service.address,
  host,
  install: service.install,
});

/** The folder of a release as a process and a hook on the host know it. */
export const releaseFolder = (install: InstallDeclared, directory: string): string =>
  `${install.root}/releases/${directory}`;

export const unique = <T>(items: readonly T[]): readonly T[] => [...new Set(items)];
