/** `status --json`. The shape is API: fields are only ever added. */
import type { InstanceStatus, RunInProgress, SlotStatus, StatusReport } from '../model/index.ts';
import { diagnosticJson } from './diagnostic-json.ts';
import { isoTime } from './time-text.ts';

export const statusJson = (report: StatusReport) => ({
  format_version: '1.0',
  environment: report.environment,
  at: isoTime(report.at),
  run: report.run === undefined ? null : runJson(report.run),
  deployment:
    report.deployment === undefined
      ? null
      : { number: report.deployment.number, at: isoTime(report.deployment.at), who: report.deployment.who },
  services: report.services.map((service) => ({
    address: service.address,
    release: service.release ?? null,
    sync: service.sync,
    health: service.health,
    slots: Object.fromEntries(service.slots.map((slot) => [slot.name, slotJson(slot)])),
    active: service.active ?? null,
  })),
  notes: report.notes.map(diagnosticJson),
});

const runJson = (run: RunInProgress) => ({
  run: run.run,
  started_at: isoTime(run.startedAt),
  who: run.actor.who,
  pid: run.actor.pid,
  command: run.actor.command,
  outcome: run.outcome ?? null,
  alive: run.isAlive,
  steps_done: run.stepsDone,
  steps_total: run.stepsTotal,
  waits_for: run.waitsFor ?? null,
});

const slotJson = (slot: SlotStatus) => ({
  release: slot.release ?? null,
  share: slot.share ?? null,
  hosts: Object.fromEntries(slot.hosts.map((host) => [host.host, instanceJson(host)])),
});

const instanceJson = ({ release, process, health, why }: InstanceStatus) => ({
  release: release ?? null,
  process,
  health,
  ...(why === undefined ? {} : { why }),
});
