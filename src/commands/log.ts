import type { Writable } from 'node:stream';
import { visible } from '../model/visible.ts';

const levels = ['off', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof levels)[number];

/** Lines for whoever looks for a fault, on standard error, only with `DEPLOYCTL_LOG`. Never holds a secret. */
export interface Log {
  readonly level: LogLevel;
  readonly info: (text: string) => void;
  readonly debug: (text: string) => void;
  readonly trace: (text: string) => void;
}

export const isLogLevel = (text: string): text is LogLevel => (levels as readonly string[]).includes(text);

/** `DEPLOYCTL_LOG`: off, info, debug or trace, in either case; anything else counts as trace, as Terraform does it. */
export function openLog(
  environment: Readonly<Record<string, string | undefined>>,
  stderr: Writable,
  now: () => number,
): Log {
  const wanted = (environment.DEPLOYCTL_LOG ?? '').toLowerCase();
  const level = wanted === '' ? 'off' : isLogLevel(wanted) ? wanted : 'trace';
  const at = (line: Exclude<LogLevel, 'off'>) => (text: string) => {
    if (levels.indexOf(line) > levels.indexOf(level)) return;
    stderr.write(`${new Date(now()).toISOString()} [${line.toUpperCase()}] ${visible(text)}\n`);
  };
  return { level, info: at('info'), debug: at('debug'), trace: at('trace') };
}
