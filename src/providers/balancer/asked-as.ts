/** A request that meets a rule of an audience, for those who ask a balancer's own rules. Pure. */
import { type AudienceRule, unreachable } from '../../model/index.ts';

export interface AskedAs {
  /** The path with what has to be asked for in it. */
  readonly target: string;
  /** Whole lines, each with its end. */
  readonly headers: string;
}

export function askedAs(path: string, rule: AudienceRule | undefined): AskedAs {
  if (rule === undefined) return { target: path, headers: '' };
  const { by, name, value } = rule;
  switch (by) {
    case 'header':
      return { target: path, headers: `${name}: ${value}\r\n` };
    case 'cookie':
      return { target: path, headers: `Cookie: ${name}=${value}\r\n` };
    case 'query':
      return { target: `${path}?${name}=${value}`, headers: '' };
    default:
      return unreachable(by);
  }
}
