/** `plan --json`, and the plan inside other documents. The shape is API: fields are only ever added. */
import { hostOf, type Inverse, type Plan, type Proof, type Step, summarizeChanges } from '../model/index.ts';
import { diagnosticJson } from './diagnostic-json.ts';
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
  held: plan.held.map(diagnosticJson),
  warnings: plan.warnings.map(diagnosticJson),
  proof: proofJson(plan.proof),
  summary: summarizeChanges(plan.changes),
});

function intentJson({ intent }: Plan) {
  return intent.kind === 'revert' ? { kind: intent.kind, to: intent.to, services: intent.services } : intent;
}

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
  const services = byTightness(proof.capacity).map(({ service, hosts, floor, lowest, atStep }) => ({
    service,
    hosts,
    floor,
    lowest,
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
