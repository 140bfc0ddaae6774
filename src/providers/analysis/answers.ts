/** What an answer from outside says. Pure: bytes in, a value or why there is none. */
import { visible } from '../../model/index.ts';

/** As a verdict takes it: see src/analysis/number-verdict.ts. */
export type Value =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'word'; readonly good: boolean; readonly said: string }
  | { readonly kind: 'none'; readonly why: string };

const none = (why: string): Value => ({ kind: 'none', why });

/** An instant query of Prometheus' HTTP API. Of several results the worst counts: the largest where `max` is set. */
export function parsePrometheus(status: number, body: string, worst: 'largest' | 'smallest'): Value {
  const answer = parseJson(body) as
    | {
        readonly status?: unknown;
        readonly error?: unknown;
        readonly data?: { readonly result?: unknown; readonly resultType?: unknown };
      }
    | null
    | undefined;
  if (answer?.status !== 'success') {
    const why = typeof answer?.error === 'string' ? visible(answer.error).slice(0, 200) : `status ${status}`;
    return none(`Prometheus refused the query: ${why}`);
  }
  const { result, resultType } = answer.data ?? {};
  const samples: readonly unknown[] =
    resultType === 'scalar'
      ? [result]
      : Array.isArray(result)
        ? result.map((each: { readonly value?: unknown } | null) => each?.value)
        : [];
  const values = samples.map((pair) => (Array.isArray(pair) ? Number(pair[1]) : Number.NaN));
  if (values.length === 0) return none('the query found nothing');
  if (values.some((value) => !Number.isFinite(value))) return none('the result of the query is not a number');
  return { kind: 'number', value: worst === 'largest' ? Math.max(...values) : Math.min(...values) };
}

/** The value at `path` in a JSON answer; without a path the status alone. */
export function parseHttp(
  status: number,
  body: string,
  path: string | undefined,
  equals: string | undefined,
): Value {
  const isGood = status >= 200 && status < 300;
  if (path === undefined) return { kind: 'word', good: isGood, said: `status ${status}` };
  if (!isGood) return none(`the answer has status ${status}`);
  const json = parseJson(body);
  if (json === undefined) return none('the answer is not JSON');
  const found = valueAt(json, path);
  if (found === undefined || found === null || typeof found === 'object') {
    return none(`the answer has no value at ${path}`);
  }
  if (equals !== undefined) {
    const text = String(found);
    return { kind: 'word', good: text === equals, said: `${path} is ${visible(text).slice(0, 100)}` };
  }
  const value = typeof found === 'string' && found.trim() === '' ? Number.NaN : Number(found);
  return Number.isFinite(value) ? { kind: 'number', value } : none(`what is at ${path} is not a number`);
}

/** An exit code, or the one number that was printed. */
export function parseCommand(code: number | undefined, stdout: string, wantsNumber: boolean): Value {
  if (code === undefined) return none('the command was ended by a signal');
  if (!wantsNumber) return { kind: 'word', good: code === 0, said: `exit code ${code}` };
  if (code !== 0) return none(`exit code ${code}`);
  const text = stdout.trim();
  const value = text === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? { kind: 'number', value } : none('the command printed no number');
}

/** `data.checks[0].rate`, also with `$.` before it. */
function valueAt(json: unknown, path: string): unknown {
  const steps = path.replace(/^\$\.?/, '').match(/[^.[\]]+/g) ?? [];
  return steps.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? (value as Readonly<Record<string, unknown>>)[step]
        : undefined,
    json,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
