/** The strategies: how a new release takes over. */

import { analysisShape } from './analysis.ts';
import {
  any,
  defaulted,
  oneOrMore,
  optional,
  type PlainShape,
  required,
  type VariantShape,
} from './shape.ts';
import { audienceMap, queryMap } from './types/collections.ts';
import { batch, bool, duration, whole } from './types/numbers.ts';
import { choice } from './types/text.ts';

const onFailure = defaulted(
  choice(['revert', 'pause', 'freeze'], { mistakes: { rollback: 'revert', undo: 'revert', stop: 'pause' } }),
  'revert',
  'What happens when a step fails: what was done is undone; the run waits for a person; or everything stays as it is.',
);

const drainTimeout = defaulted(
  duration,
  '30s',
  'How long old connections may finish before a process that served them is stopped or replaced.',
);

const keepWarm = defaulted(
  bool,
  true,
  'Whether the other slot goes on running, so that a revert is one switch.',
);

const bake = defaulted(
  duration,
  '0s',
  'How long the new release is watched under full traffic before the run ends.',
);

const audienceShape = {
  description:
    'These requests get the canary from this step on, if any of the values fits; the others by share.',
  labels: [],
  arguments: {
    header: optional(
      audienceMap,
      'Values of request headers; a request with any one of them belongs to it.',
      'none',
    ),
    cookie: optional(audienceMap, 'Values of cookies; a request with any one of them belongs to it.', 'none'),
    query: optional(
      queryMap,
      'Values in the query of the URL, as they are sent; a request with any one of them belongs to it.',
      'none',
    ),
  },
} as const satisfies PlainShape;

const stepShape = {
  description: 'One step up.',
  labels: [],
  arguments: {
    share: required(whole(0, 100, 'whole percent'), 'The share of the requests that the canary gets.'),
    bake: defaulted(duration, '0s', 'How long this share is watched before the next step.'),
    approval: defaulted(bool, false, 'Whether to wait for `deployctl promote`, after the bake.'),
  },
  blocks: { audience: any(audienceShape) },
} as const satisfies PlainShape;

export const strategyShape = {
  otherKinds: {
    recreate: 'In deployctl this is called in_place.',
    all_at_once: 'In deployctl this is called in_place.',
    restart: 'In deployctl this is called in_place.',
    red_black: 'In deployctl this is called blue_green.',
  },
  description: 'How a new release takes over.',
  kindLabel: 'kind',
  labels: [],
  variants: {
    blue_green: {
      description:
        'The release goes to the idle slot; when that is healthy, all traffic moves there at once.',
      arguments: {
        bake,
        keep_warm: keepWarm,
        drain_timeout: drainTimeout,
        on_failure: onFailure,
      },
    },
    in_place: {
      description:
        'The release replaces the old one on its hosts, one host after the other as the floor of capacity allows.',
      arguments: { drain_timeout: drainTimeout, on_failure: onFailure },
    },
    canary: {
      description:
        'The release gets a growing share of the traffic, and all of it after the last step. With two slots the load ' +
        'balancer shares the requests; with one slot so many of its hosts are upgraded as the share says, at least one.',
      arguments: {
        keep_warm: defaulted(
          bool,
          true,
          'With two slots, whether the other one goes on running afterwards, so that a revert is one switch.',
        ),
        drain_timeout: drainTimeout,
        on_failure: onFailure,
      },
      blocks: { step: oneOrMore(stepShape), analysis: any(analysisShape) },
    },
    rolling: {
      description:
        'The release replaces the old one in batches of hosts, one zone after the other where hosts have the label `zone`.',
      arguments: {
        batch: defaulted(
          batch,
          1,
          'How many hosts at a time: a number, or a share of all hosts, rounded down. Never more than the floor of capacity leaves.',
        ),
        pause: defaulted(
          duration,
          '0s',
          'How long a batch that returned is watched before the next one leaves.',
        ),
        max_failures: defaulted(
          whole(0, 100_000),
          0,
          'How many hosts may fail in the whole run: they are left out of the pool, and the floor of capacity holds without them.',
        ),
        drain_timeout: drainTimeout,
        on_failure: onFailure,
      },
    },
  },
} as const satisfies VariantShape;
