/** A run for programs: one event a line, `type`, `at`, `run`, `seq` first. The field names are API. */
import {
  type Event,
  type Plan,
  type PoolTraffic,
  type RequestCounts,
  summarizeChanges,
} from '../model/index.ts';
import { diagnosticJson } from './diagnostic-json.ts';
import { outputsJson } from './outputs-text.ts';
import { stepJson } from './plan-json.ts';
import { printableJson } from './printable.ts';
import type { Renderer } from './renderer.ts';
import { isoTime } from './time-text.ts';

export function jsonLines(write: (text: string) => void): Renderer {
  let plan: Plan | undefined;
  return {
    event: (event) => {
      if (event.type === 'run_started') plan = event.plan;
      const isDone =
        event.type === 'summary' && event.outcome === 'complete' && plan?.intent.kind === 'apply';
      const outputs = isDone ? { outputs: outputsJson(plan?.declared.outputs ?? {}) } : {};
      write(`${printableJson({ ...eventJson(event), ...outputs })}\n`);
    },
    end: () => undefined,
  };
}

export const eventJson = (event: Event) => ({
  type: event.type,
  at: isoTime(event.at),
  run: event.run,
  seq: event.seq,
  ...bodyJson(event),
});

/** `mean_ms` and `sides` only where the balancer tells them. */
const poolJson = ({ pool, sessions, sides, ...counts }: PoolTraffic) => ({
  pool,
  ...countsJson(counts),
  sessions,
  ...(sides === undefined
    ? {}
    : { sides: { stable: countsJson(sides.stable), canary: countsJson(sides.canary) } }),
});

const countsJson = ({ requests, failed, meanMs }: RequestCounts) => ({
  requests,
  failed,
  ...(meanMs === undefined ? {} : { mean_ms: Math.round(meanMs * 10) / 10 }),
});

function bodyJson(event: Event): object {
  switch (event.type) {
    case 'run_started':
      return {
        format_version: '1.0',
        environment: event.plan.environment,
        resumed: event.resumed,
        done: event.done ?? [],
        previous_deployment: event.previousDeployment ?? null,
        plan: {
          digest: event.plan.digest,
          steps: event.plan.steps.map(stepJson),
          summary: summarizeChanges(event.plan.changes),
        },
      };
    case 'step_started':
      return { step: event.step, undoing: event.undoing };
    case 'step_progress':
      return { step: event.step, done: event.done, total: event.total, unit: event.unit, text: event.text };
    case 'step_output':
      return { step: event.step, stream: event.stream, line: event.line };
    case 'step_done':
      return {
        step: event.step,
        undoing: event.undoing,
        unchanged: event.unchanged,
        elapsed_ms: event.elapsedMs,
      };
    case 'step_failed':
      return {
        step: event.step,
        undoing: event.undoing,
        failure: diagnosticJson(event.failure),
        elapsed_ms: event.elapsedMs,
      };
    case 'verdict':
      return {
        step: event.step,
        service: event.service,
        verdict: event.verdict,
        reason: event.reason,
        dry_run:
          event.dryRun === undefined ? null : { verdict: event.dryRun.verdict, reason: event.dryRun.reason },
        requests: event.requests ?? null,
        failed: event.failed ?? null,
      };
    case 'approval_needed':
      return { step: event.step, service: event.service, share: event.sharePercent };
    case 'promoted':
      return { by: event.by, full: event.full };
    case 'left_out':
      return { service: event.service, host: event.host, failed: event.failed, most: event.most };
    case 'traffic':
      return { balancer: event.balancer, pools: event.pools.map(poolJson) };
    case 'paused':
      return { by: event.by, reason: event.reason };
    case 'continued':
      return { by: event.by };
    case 'reverting':
      return { reason: event.reason, steps: event.steps };
    case 'stopping':
      return { reason: event.reason };
    case 'diagnostic':
      return { diagnostic: diagnosticJson(event.diagnostic) };
    case 'summary':
      return {
        format_version: '1.0',
        outcome: event.outcome,
        exit_code: event.exitCode,
        elapsed_ms: event.elapsedMs,
        steps_done: event.stepsDone,
        steps_undone: event.stepsUndone,
        failures: event.failures.map(diagnosticJson),
        traffic: event.traffic ?? null,
      };
  }
}
