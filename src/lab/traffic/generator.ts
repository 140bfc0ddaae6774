/**
 * Clients of the lab's service: an even stream of requests over connections that stay open, every tenth on a fresh
 * one. Nothing is ever retried: a request that fails is a request that a person would have lost.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import { TrafficCount, type TrafficFigures } from './figures.ts';

export interface TrafficOptions {
  readonly address: string;
  readonly port: number;
  /** Requests a second, 1 to 5000. */
  readonly rate: number;
  /** The `Host` of the requests. */
  readonly host: string;
}

export interface Traffic {
  figures(): TrafficFigures;
  /** Sends nothing more and waits for the answers that are due. */
  stop(): Promise<TrafficFigures>;
}

const tickMs = 10;
/** As long as a browser's user may wait: a machine that is busy with other things makes answers slow, not lost. */
const answerWithinMs = 30_000;
/** A client that gets no answers does not pile up requests without end. */
const mostAtOnce = 1_000;

export function startTraffic(options: TrafficOptions): Traffic {
  const started = performance.now();
  const count = new TrafficCount(options.rate, Date.now());
  const open = new Agent({ keepAlive: true, maxSockets: 64, scheduling: 'lifo' });
  let sent = 0;
  let waiting = 0;

  const send = (): void => {
    sent += 1;
    waiting += 1;
    const begun = performance.now();
    let isOver = false;
    const over = (tell: () => void): void => {
      if (isOver) return;
      isOver = true;
      waiting -= 1;
      tell();
    };
    const fail = (reason: string): void => over(() => count.failedWith(reason, Date.now()));
    const asked = request({
      host: options.address,
      port: options.port,
      path: '/',
      headers: { host: options.host },
      agent: sent % 10 === 0 ? false : open,
      timeout: answerWithinMs,
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${answerWithinMs / 1000} s`)));
    asked.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    asked.on('response', (response) => {
      void bodyOf(response).then(
        (body) => {
          const version = versionIn(body);
          if (response.statusCode !== 200) fail(`status ${response.statusCode}`);
          else if (version === undefined) fail('an answer that is not the service’s');
          else over(() => count.answered(version, Date.now(), performance.now() - begun));
        },
        (error: NodeJS.ErrnoException) => fail(`cut off: ${error.code ?? error.message}`),
      );
    });
    asked.end();
  };

  const timer = setInterval(() => {
    const due = ((performance.now() - started) / 1000) * options.rate;
    while (sent < due && waiting < mostAtOnce) send();
  }, tickMs);

  return {
    figures: () => count.figures(Date.now()),
    async stop() {
      clearInterval(timer);
      while (waiting > 0) await new Promise((resolve) => setTimeout(resolve, tickMs));
      open.destroy();
      return count.figures(Date.now());
    },
  };
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  let body = '';
  response.setEncoding('utf8');
  for await (const chunk of response) body += chunk as string;
  return body;
}

function versionIn(body: string): string | undefined {
  try {
    const { version } = JSON.parse(body) as { readonly version?: unknown };
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}
