import { expect, test } from 'vitest';
import { asAddress, type Check, type Diagnostic, type Finding } from '../../../src/model/index.ts';
import { doctorJson } from '../../../src/ui/doctor-json.ts';
import { renderDoctor } from '../../../src/ui/doctor-text.ts';

const unreachable = (host: string): Diagnostic => ({
  code: 'host-unreachable',
  severity: 'error',
  summary: 'Host cannot be reached',
  detail: `${host} does not answer.`,
  hint: `Try it:\n    ssh ${host} true`,
});

const onHost = (title: string, name: string, finding: Finding): Check => ({
  title,
  address: asAddress(`host.${name}`),
  name,
  finding,
});

const hosts = Array.from({ length: 300 }, (_, index) => `web-${index + 1}`);
const isDead = (host: string): boolean => /^web-(7|8|9|10|200)$/.test(host);

const fleet = {
  environment: 'prod',
  elapsedMs: 1234,
  checks: hosts.flatMap((host) =>
    isDead(host)
      ? [
          onHost('reach', host, { at: 'wrong', why: [unreachable(host)] }),
          onHost('tools', host, { at: 'not_checked', because: `${host} is not reached` }),
        ]
      : [
          onHost('reach', host, { at: 'good', seen: 'answers' }),
          onHost('tools', host, { at: 'good', seen: 'all there' }),
        ],
  ),
};

test('a fleet of hundreds fits a screen: who is well on one line, a few errors in full, a verdict last', () => {
  const text = renderDoctor(fleet, { color: false, width: 100, frame: ({ detail }) => `<${detail}>` });
  expect(text).toBe(`  ✔ reach     web-1 to web-6, web-11 to web-199 and web-201 to web-300 (answers)
  ✘ reach     web-7 to web-10 and web-200 (host cannot be reached)
  ✔ tools     web-1 to web-6, web-11 to web-199 and web-201 to web-300 (all there)
  - not seen  tools of web-7 to web-10 and web-200

<web-7 does not answer.>

<web-8 does not answer.>

<web-9 does not answer.>

  and 2 more of this kind (--json has all).

prod is not ready for a run. 600 checks: 5 failed, 5 could not be looked at, in 1.2 s.`);
});

test('names from outside cannot play with the terminal', () => {
  const checks = [onHost('reach', 'web-1', { at: 'good', seen: 'answers \u001b[2J as \u202eroot' })];
  const text = renderDoctor({ ...fleet, checks }, { color: false, width: 100, frame: () => '' });
  expect(text).not.toMatch(/[\u001b\u202e]/);
});

test('the JSON has every check, whatever the text left out', () => {
  const json = doctorJson(fleet, false);
  expect(json).toMatchObject({ format_version: '1.0', environment: 'prod', ok: false });
  expect(json.checks.filter(({ result }) => result === 'failed')).toHaveLength(5);
  expect(json.checks.find(({ name }) => name === 'web-200')).toMatchObject({
    check: 'reach',
    diagnostics: [{ code: 'host-unreachable', hint: 'Try it:\n    ssh web-200 true' }],
  });
});
