/** Asks what decides about a canary: Prometheus, an HTTP service, a command on this machine. */
import {
  type AnalysisDeclared,
  asAddress,
  type EnvironmentValue,
  type HostDeclared,
  type Judged,
  ProviderFailure,
  visible,
} from '../../model/index.ts';
import { httpGetText } from '../../transport/http-get.ts';
import { localChannel, quoteArguments } from '../../transport/index.ts';
import { parseCommand, parseHttp, parsePrometheus, type Value } from './answers.ts';

type Asked = Exclude<AnalysisDeclared, { kind: 'load_balancer' }>;
export type Answered =
  | Value
  | { readonly kind: 'number'; readonly value: number; readonly baseline?: number };

export interface AskingOptions {
  /** Where commands run. */
  readonly folder: string;
  readonly resolveSecret: (name: string) => Promise<string>;
}

/** Never throws: what cannot be had is an answer too. */
export async function ask(
  asked: Asked,
  judged: Judged,
  options: AskingOptions,
  signal: AbortSignal,
): Promise<Answered> {
  try {
    switch (asked.kind) {
      case 'prometheus':
        return await askPrometheus(asked, judged, options, signal);
      case 'http': {
        const url = fill(asked.url, judged, encodeURIComponent);
        const headers = await resolved(asked.headers, options);
        const { status, body } = await httpGetText(url, headers, asked.timeoutMs, signal);
        return parseHttp(status, body, asked.path, asked.equals);
      }
      case 'command':
        return await askCommand(asked, judged, options, signal);
    }
  } catch (cause) {
    const why = cause instanceof ProviderFailure ? cause.diagnostic.detail : messageOf(cause);
    return { kind: 'none', why: visible(why) };
  }
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

async function askPrometheus(
  asked: Extract<Asked, { kind: 'prometheus' }>,
  judged: Judged,
  options: AskingOptions,
  signal: AbortSignal,
): Promise<Answered> {
  const headers = await resolved(asked.headers, options);
  const worst = asked.max === undefined && asked.min !== undefined ? 'smallest' : 'largest';
  const query = async (text: string): Promise<Value> => {
    const url = new URL(`${asked.url.replace(/\/+$/, '')}/api/v1/query`);
    url.searchParams.set(
      'query',
      fill(text, judged, (value) => value),
    );
    const { status, body } = await httpGetText(url.href, headers, asked.timeoutMs, signal);
    return parsePrometheus(status, body, worst);
  };
  const [value, baseline] = await Promise.all([
    query(asked.query),
    asked.baseline === undefined ? undefined : query(asked.baseline),
  ]);
  if (value.kind !== 'number' || baseline === undefined) return value;
  return baseline.kind === 'number' ? { ...value, baseline: baseline.value } : baseline;
}

async function askCommand(
  asked: Extract<Asked, { kind: 'command' }>,
  judged: Judged,
  options: AskingOptions,
  signal: AbortSignal,
): Promise<Value> {
  const environment = {
    DEPLOYCTL_CANARY: judged.canary.pool,
    DEPLOYCTL_STABLE: judged.stable.pool,
    DEPLOYCTL_CANARY_HOSTS: judged.canary.members.join('|'),
    DEPLOYCTL_STABLE_HOSTS: judged.stable.members.join('|'),
    DEPLOYCTL_SHARE: String(judged.sharePercent),
    ...(await resolved(asked.environment, options)),
  };
  const exported = Object.keys(environment)
    .map((name) => `export ${name}\n`)
    .join('');
  const { code, stdout } = await localChannel(thisMachine).script(
    `${exported}cd -- "$deployctl_folder" || exit 1\nexec ${quoteArguments(asked.argv)}\n`,
    { ...environment, deployctl_folder: options.folder },
    { timeoutMs: asked.timeoutMs, signal, maxOutputBytes: 64 * 1024 },
  );
  return parseCommand(code, stdout, asked.max !== undefined || asked.min !== undefined);
}

/** This machine, which is no declared host. */
const thisMachine: HostDeclared = {
  address: asAddress('operator'),
  name: 'operator',
  connection: { kind: 'local' },
  networkAddress: '127.0.0.1',
  labels: {},
  origin: {
    file: '',
    start: { line: 1, column: 1, byte: 0 },
    end: { line: 1, column: 1, byte: 0 },
  },
};

/** The placeholders that the configuration has checked (src/config/assemble-analysis.ts). */
function fill(text: string, judged: Judged, encode: (value: string) => string): string {
  const values: Readonly<Record<string, string>> = {
    canary: judged.canary.pool,
    stable: judged.stable.pool,
    canary_hosts: judged.canary.members.join('|'),
    stable_hosts: judged.stable.members.join('|'),
    share: String(judged.sharePercent),
  };
  return text.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (all, name: string) => {
    const value = values[name];
    return value === undefined ? all : encode(value);
  });
}

async function resolved(
  values: Readonly<Record<string, EnvironmentValue>>,
  { resolveSecret }: AskingOptions,
): Promise<Readonly<Record<string, string>>> {
  const entries = await Promise.all(
    Object.entries(values).map(
      async ([name, value]) =>
        [name, typeof value === 'string' ? value : await resolveSecret(value.secret)] as const,
    ),
  );
  return Object.fromEntries(entries);
}
