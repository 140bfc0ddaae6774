/** The sources of verdicts over real sockets and real commands. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type AnalysisDeclared, asAddress, type Judged } from '../../../../src/model/index.ts';
import { ask } from '../../../../src/providers/analysis/index.ts';

const origin = {
  file: 'a.hcl',
  start: { line: 1, column: 1, byte: 0 },
  end: { line: 1, column: 1, byte: 0 },
};
const common = {
  intervalMs: 10_000,
  failures: 1,
  dryRun: false,
  deadlineMs: 60_000,
  inconclusive: 'pause',
  confidence: 0.95,
  timeoutMs: 500,
  max: undefined,
  min: undefined,
  origin,
} as const;
const judged: Judged = {
  service: asAddress('service.shop'),
  analysis: [],
  balancer: asAddress('load_balancer.edge'),
  stable: { pool: 'shop_blue', members: ['web-1', 'web-2'] },
  canary: { pool: 'shop_green', members: ['web-1', 'web-2'] },
  sharePercent: 10,
};
const options = {
  folder: tmpdir(),
  resolveSecret: async (name: string) =>
    name === 'token' ? 'Bearer hunter2' : Promise.reject(new Error(name)),
};
const never = new AbortController().signal;

let server: Server;
let base: string;
let requests: IncomingMessage[] = [];
let answer: { readonly status?: number; readonly body: string } | 'silence' = { body: '' };

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request);
    if (answer === 'silence') return;
    response.writeHead(answer.status ?? 200).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  requests = [];
});

const vector = (...values: readonly string[]): string =>
  JSON.stringify({
    status: 'success',
    data: { resultType: 'vector', result: values.map((value) => ({ metric: {}, value: [1, value] })) },
  });

describe('prometheus', () => {
  const declared = (more: Partial<Extract<AnalysisDeclared, { kind: 'prometheus' }>> = {}) => ({
    ...common,
    kind: 'prometheus' as const,
    name: 'prometheus',
    url: `${base}/`,
    query: 'rate(errors{pool="{{ canary }}", host=~"{{ canary_hosts }}"}[1m])',
    baseline: undefined,
    maxRatio: 1.1,
    headers: { Authorization: { secret: 'token' } },
    max: 0.02,
    ...more,
  });

  test('is asked for the pool of the canary, with the secret in a header', async () => {
    answer = { body: vector('0.015') };
    expect(await ask(declared(), judged, options, never)).toEqual({ kind: 'number', value: 0.015 });
    const url = new URL(requests[0]?.url ?? '', base);
    expect(url.pathname).toBe('/api/v1/query');
    expect(url.searchParams.get('query')).toBe('rate(errors{pool="shop_green", host=~"web-1|web-2"}[1m])');
    expect(requests[0]?.headers.authorization).toBe('Bearer hunter2');
  });

  test('gives the baseline beside it', async () => {
    answer = { body: vector('3') };
    expect(await ask(declared({ baseline: 'x{pool="{{ stable }}"}' }), judged, options, never)).toEqual({
      kind: 'number',
      value: 3,
      baseline: 3,
    });
  });

  test.for([
    {
      what: 'several results: the worst',
      body: vector('1', '7', '3'),
      expected: { kind: 'number', value: 7 },
    },
    { what: 'nothing', body: vector(), expected: { kind: 'none', why: 'the query found nothing' } },
    {
      what: 'NaN, as a rate over no requests is',
      body: vector('NaN'),
      expected: { kind: 'none', why: 'the result of the query is not a number' },
    },
    {
      what: 'an error',
      status: 400,
      body: '{"status":"error","error":"parse error: \\u001b[2Jboom"}',
      expected: { kind: 'none', why: 'Prometheus refused the query: parse error: ␛[2Jboom' },
    },
    {
      what: 'no JSON',
      status: 502,
      body: '<html>',
      expected: { kind: 'none', why: 'Prometheus refused the query: status 502' },
    },
  ])('$what', async ({ body, status, expected }) => {
    answer = { body, ...(status === undefined ? {} : { status }) };
    expect(await ask(declared(), judged, options, never)).toEqual(expected);
  });

  test('that does not answer is no data, in the time that it has', async () => {
    answer = 'silence';
    expect(await ask(declared(), judged, options, never)).toEqual({
      kind: 'none',
      why: 'no answer within 0.5 s',
    });
    expect(await ask(declared({ url: 'http://127.0.0.1:1' }), judged, options, never)).toMatchObject({
      kind: 'none',
      why: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

describe('http', () => {
  const declared = (more: Partial<Extract<AnalysisDeclared, { kind: 'http' }>> = {}) => ({
    ...common,
    kind: 'http' as const,
    name: 'http',
    url: `${base}/canary/{{ share }}`,
    path: undefined,
    equals: undefined,
    headers: {},
    ...more,
  });

  test.for([
    { body: '', path: undefined, expected: { kind: 'word', good: true, said: 'status 200' } },
    {
      body: '{"data":{"checks":[{"rate":0.5}]}}',
      path: 'data.checks[0].rate',
      expected: { kind: 'number', value: 0.5 },
    },
    { body: '{"a":1}', path: 'b.c', expected: { kind: 'none', why: 'the answer has no value at b.c' } },
    { body: '{"a":"x"}', path: 'a', expected: { kind: 'none', why: 'what is at a is not a number' } },
    { body: '{"__proto__":{"a":1}}', path: 'constructor.name', expected: { kind: 'none' } },
  ])('$body at $path', async ({ body, path, expected }) => {
    answer = { body };
    expect(await ask(declared({ path }), judged, options, never)).toMatchObject(expected);
    expect(requests[0]?.url).toBe('/canary/10');
  });

  test('compares a word', async () => {
    answer = { body: '{"state":"ok"}' };
    const asked = declared({ path: '$.state', equals: 'ok' });
    expect(await ask(asked, judged, options, never)).toEqual({
      kind: 'word',
      good: true,
      said: '$.state is ok',
    });
    answer = { status: 500, body: '{"state":"ok"}' };
    expect(await ask(asked, judged, options, never)).toEqual({
      kind: 'none',
      why: 'the answer has status 500',
    });
    expect(await ask(declared(), judged, options, never)).toEqual({
      kind: 'word',
      good: false,
      said: 'status 500',
    });
  });
});

describe('command', () => {
  const declared = (script: string, more: Partial<Extract<AnalysisDeclared, { kind: 'command' }>> = {}) => ({
    ...common,
    kind: 'command' as const,
    name: 'command',
    argv: ['sh', '-c', script],
    environment: { TOKEN: { secret: 'token' } },
    timeoutMs: 2_000,
    ...more,
  });

  test.for([
    { script: 'exit 3', expected: { kind: 'word', good: false, said: 'exit code 3' } },
    {
      script: '[ "$DEPLOYCTL_CANARY" = shop_green ] && [ "$DEPLOYCTL_SHARE" = 10 ]',
      expected: { kind: 'word', good: true },
    },
    { script: '[ "$TOKEN" = "Bearer hunter2" ]', expected: { kind: 'word', good: true } },
    { script: 'echo " 0.25 "', max: 1, expected: { kind: 'number', value: 0.25 } },
    { script: 'echo lots', max: 1, expected: { kind: 'none', why: 'the command printed no number' } },
    { script: 'echo 0.1; exit 1', max: 1, expected: { kind: 'none', why: 'exit code 1' } },
  ])('$script', async ({ script, max, expected }) => {
    expect(await ask(declared(script, { max }), judged, options, never)).toMatchObject(expected);
  });

  test('that hangs is no data', async () => {
    expect(await ask(declared('sleep 30', { timeoutMs: 300 }), judged, options, never)).toMatchObject({
      kind: 'none',
    });
  });
});
