/** What decides whether a canary is good: the sources of a verdict. */

import { defaulted, optional, required, type VariantShape } from './shape.ts';
import { command } from './types/collections.ts';
import { bool, decimal, duration, someTime, whole } from './types/numbers.ts';
import { httpUrl } from './types/places.ts';
import { environmentMap, headerMap } from './types/secrets.ts';
import { choice, line, prose } from './types/text.ts';

const common = {
  failures: defaulted(whole(1, 1000), 1, 'How many bad verdicts in a row are a failure.'),
  dry_run: defaulted(bool, false, 'Whether it only tells and records what it would have decided.'),
  confidence: defaulted(
    decimal(0.5, 0.9999),
    0.95,
    'How sure it must be that the canary is worse. Of canaries that are as good as the other side, no more than the rest is failed, however often it looks.',
  ),
  deadline: defaulted(
    duration,
    '10m',
    'How long after the bake it may still be without a verdict. No data is never a pass.',
  ),
  inconclusive: defaulted(
    choice(['pause', 'fail'], { mistakes: { hold: 'pause', wait: 'pause', revert: 'fail' } }),
    'pause',
    'What follows when there is no verdict by then: the run waits for a person, or it counts as a failure.',
  ),
} as const;

const limits = {
  max: optional(decimal(-1e15, 1e15), 'The largest result that is good.'),
  min: optional(decimal(-1e15, 1e15), 'The smallest result that is good.'),
} as const;

const placeholders =
  '`{{ canary }}` and `{{ stable }}` stand for the pools of the two sides, `{{ canary_hosts }}` and `{{ stable_hosts }}` for their hosts as `web-1|web-2`, `{{ share }}` for the percent.';

const asking = {
  interval: defaulted(someTime, '30s', 'The time from one question to the next.'),
  timeout: defaulted(someTime, '10s', 'How long an answer may take.'),
} as const;

export const analysisShape = {
  description: 'What decides whether the canary is good.',
  kindLabel: 'source',
  labels: [],
  variants: {
    load_balancer: {
      description:
        "The load balancer's own counters: nothing else to install. Failed are answers with a 5xx status and requests without an answer; latency is the time to the first byte.",
      arguments: {
        max_error_rate: defaulted(decimal(0, 1), 0.01, 'The largest part of the requests that may fail.'),
        max_latency_ratio: optional(
          decimal(0.01, 1000),
          'How many times slower than the stable side it may be.',
          'latency is not judged',
        ),
        min_requests: defaulted(
          whole(1, 1_000_000_000),
          100,
          'How many requests to the canary a verdict needs.',
        ),
        interval: defaulted(someTime, '10s', 'The time from one verdict to the next.'),
        ...common,
      },
    },
    prometheus: {
      description: 'A query to Prometheus. Of several results the worst counts.',
      arguments: {
        url: required(httpUrl, 'Where Prometheus is.'),
        query: required(prose, `The query; its result is one number. ${placeholders}`),
        ...limits,
        baseline: optional(
          prose,
          'The same query about the stable side; the two are compared by the test of Mann and Whitney.',
        ),
        max_ratio: defaulted(
          decimal(1, 1000),
          1.1,
          'With `baseline`: how many times as large as that the result may be.',
        ),
        headers: optional(headerMap, 'Headers of the request. A value may be a whole secret.', 'none'),
        ...asking,
        ...common,
      },
    },
    http: {
      description: 'A request whose answer says it.',
      arguments: {
        url: required(line, `What is asked with GET. ${placeholders}`),
        path: optional(
          line,
          'Where in the JSON answer the value is: `data.checks[0].rate`.',
          'a status from 200 to 299 is good, any other is bad',
        ),
        ...limits,
        equals: optional(line, 'What the value must be, as text.'),
        headers: optional(headerMap, 'Headers of the request. A value may be a whole secret.', 'none'),
        ...asking,
        ...common,
      },
    },
    command: {
      description:
        "A command on the operator's machine, in the environment's folder. It finds `DEPLOYCTL_CANARY`, `DEPLOYCTL_STABLE`, `DEPLOYCTL_CANARY_HOSTS`, `DEPLOYCTL_STABLE_HOSTS` and `DEPLOYCTL_SHARE` in its environment.",
      arguments: {
        run: required(
          command,
          'The command. With `max` or `min` it prints one number; without, exit code 0 is good and any other is bad.',
        ),
        ...limits,
        environment: optional(
          environmentMap,
          'Environment variables. A value may be a whole secret.',
          'none',
        ),
        ...asking,
        ...common,
      },
    },
  },
} as const satisfies VariantShape;
