/** `doctor --json`. The shape is API: fields are only ever added. */
import type { Check } from '../model/index.ts';
import { diagnosticJson } from './diagnostic-json.ts';
import { type DoctorReport, standingOf } from './doctor-text.ts';

export const doctorJson = ({ environment, checks, elapsedMs }: DoctorReport, isHealthy: boolean) => ({
  format_version: '1.0',
  environment,
  ok: isHealthy,
  elapsed_ms: elapsedMs,
  checks: checks.map(checkJson),
});

/** `result` is good, warning, failed or not_checked; `seen` is for people and may change its words. */
const checkJson = ({ title, address, name, finding }: Check) => ({
  check: title,
  address: address ?? null,
  name,
  result: standingOf(finding),
  seen: finding.at === 'good' ? finding.seen : finding.at === 'not_checked' ? finding.because : null,
  diagnostics: finding.at === 'wrong' ? finding.why.map(diagnosticJson) : [],
});
