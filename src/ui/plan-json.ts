/** `plan --json`, and the plan inside other documents. The shape is API: fields are only ever added. */
import {
  type AnalysisDeclared,
  hostOf,
  type Inverse,
  type Plan,
  type Proof,
  type Step,
  summarizeChanges,
} from '../model/index.ts';
import { diagnosticJson } from './diagnostic-json.ts';
import { type Ladder, laddersOf, lengthOf, mostSecondsOf, type Rung } from './ladder.ts';
import { byTightness } from './proof-text.ts';
import { isoTime } from './time-text.ts';

/** One document, ready for `JSON.stringify`. Hosts are counted, shares are whole percents, times are UTC. */
export const planJson = (plan: Plan) => ({
  format_version: '1.0',
  environment: plan.environment,
  lineage: plan.lineage,
  state_serial: plan.stateSerial,
  created_at: isoTime(plan.createdAt),
  digest: plan.digest,
  intent: intentJson(plan),
  targets: plan.targets,
  excluded: plan.excluded ?? [],
  drift: plan.drift.map(({ address, before, after, note }) => ({
    address,
    before,
    after,
    ...(note === undefined ? {} : { note }),
  })),
  changes: plan.changes.map(({ address, action, because, before, after, origin }) => ({
    address,
    action,
    because,
    before,
    after,
    ...(origin === undefined ? {} : { declared_at: { filename: origin.file, line: origin.start.line } }),
  })),
  steps: plan.steps.map(stepJson),
  rollouts: laddersOf(plan).map((ladder) => ladderJson(ladder)),
  duration_seconds: durationJson(plan),
  held: plan.held.map(diagnosticJson),
  warnings: plan.warnings.map(diagnosticJson),
  proof: proofJson(plan.proof),
  summary: summarizeChanges(plan.changes),
});

function intentJson({ intent }: Plan) {
  return intent.kind === 'revert' ? { kind: intent.kind, to: intent.to, services: intent.services } : intent;
}

/** A canary's shares, or the batches of a rolling upgrade. Seconds; `most` is null where a person is waited for. */
function ladderJson({ service, kind, of, before, sides, rungs }: Ladder) {
  const { strategy } = service;
  return {
    service: service.address,
    strategy: kind,
    share_of: of,
    release_before: before ?? null,
    release: service.release.version,
    stable: sides === undefined ? null : { ...sides.stable },
    canary: sides === undefined ? null : { ...sides.canary },
    on_failure: strategy.onFailure,
    ...(strategy.kind === 'rolling' ? { max_failures: strategy.maxFailures } : {}),
    stages: rungs.map(rungJson),
    analysis: strategy.kind === 'canary' ? strategy.analysis.map(analysisJson) : [],
  };
}

const rungJson = (rung: Rung) => ({
  stage: rung.number,
  share_percent: rung.sharePercent,
  hosts: rung.hosts,
  hosts_total: rung.hostsTotal,
  zone: rung.zone ?? null,
  audience: rung.audience,
  bake_seconds: rung.bakeSeconds,
  decided_by: {
    checks: rung.isChecked,
    analysis: rung.analysis.map(({ name }) => name),
    approval: rung.needsApproval,
  },
  seconds: { least: rung.leastSeconds, most: rung.mostSeconds ?? null },
  undone_by: rung.undoneBy,
  steps: rung.steps.map(({ id }) => id),
});

/** What it decides by, as declared. What it sends (headers, environment, arguments) may be secret and stays out. */
function analysisJson(analysis: AnalysisDeclared) {
  const { name, kind, dryRun, intervalMs, failures, deadlineMs, inconclusive, confidence } = analysis;
  const limits =
    analysis.kind === 'load_balancer'
      ? {
          max_error_rate: analysis.maxErrorRate,
          max_latency_ratio: analysis.maxLatencyRatio ?? null,
          min_requests: analysis.minRequests,
        }
      : { max: analysis.max ?? null, min: analysis.min ?? null };
  return {
    name,
    kind,
    ...limits,
    ...(analysis.kind === 'prometheus' && analysis.baseline !== undefined
      ? { max_ratio: analysis.maxRatio }
      : {}),
    ...(analysis.kind === 'http' && analysis.equals !== undefined ? { equals: analysis.equals } : {}),
    confidence,
    interval_seconds: intervalMs / 1000,
    failures,
    deadline_seconds: deadlineMs / 1000,
    inconclusive,
    dry_run: dryRun,
  };
}

const durationJson = ({ steps }: Plan) => ({
  least: lengthOf(steps, (step) => step.estimateSeconds),
  most: steps.some(({ operation }) => operation.op === 'approval') ? null : lengthOf(steps, mostSecondsOf),
});

/** A step without its operation: what it is about, not the bytes that it sends. */
export function stepJson(step: Step) {
  const host = hostOf(step.operation);
  return {
    id: step.id,
    needs: step.needs,
    op: step.operation.op,
    address: step.address,
    ...(step.service === undefined ? {} : { service: step.service }),
    ...(host === undefined ? {} : { host }),
    phase: step.phase.key,
    verb: step.phase.verb,
    ...(step.stage === undefined ? {} : { stage: step.stage }),
    summary: step.summary,
    inverse: inverseJson(step.inverse),
    gate: step.gate ?? null,
    estimate_seconds: step.estimateSeconds,
  };
}

function inverseJson(inverse: Inverse) {
  return inverse.kind === 'operation'
    ? { kind: inverse.kind, op: inverse.operation.op, summary: inverse.summary }
    : inverse;
}

/**
 * `min_in_service` is about the service that comes nearest to its floor; `services` has them all. Without a service
 * behind a balancer there is nothing to prove, and its figures are null.
 */
function proofJson(proof: Proof) {
  const services = byTightness(proof.capacity).map(({ service, hosts, floor, lowest, spare, atStep }) => ({
    service,
    hosts,
    floor,
    lowest,
    ...(spare === undefined ? {} : { spare }),
    at_step: atStep ?? null,
  }));
  const [tightest] = services;
  const { blastRadius } = proof;
  return {
    min_in_service: {
      floor: tightest?.floor ?? null,
      lowest: tightest?.lowest ?? null,
      at_step: tightest?.at_step ?? null,
      services,
    },
    traffic_only_to_verified: proof.trafficOnlyToVerified,
    blast_radius: {
      services: blastRadius.services,
      hosts: blastRadius.hosts,
      share_percent: blastRadius.share,
      at_step: blastRadius.atStep ?? null,
    },
    rollback: proof.noWayBackAfter.length === 0 ? 'at every step' : proof.noWayBackAfter,
  };
}
