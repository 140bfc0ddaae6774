/** Commands on one thing of an environment: with a single environment, its name may be left out. */
import { isEnvironmentName } from '../app/environment.ts';
import type { Diagnostic } from '../model/index.ts';
import { CommandFailure } from './base.ts';

/** What was typed: the environment and the thing, or one word alone, which is the thing unless it names an environment. */
export function environmentAnd(
  first: string | undefined,
  second: string | undefined,
): { readonly environment: string | undefined; readonly thing: string | undefined } {
  if (second !== undefined) return { environment: first, thing: second };
  if (first !== undefined && isEnvironmentName(first, process.cwd())) {
    return { environment: first, thing: undefined };
  }
  return { environment: undefined, thing: first };
}

/** The same where the thing is needed. `what`: "the id of the lock"; `hint`: where to find one. */
export function environmentAndThing(
  first: string | undefined,
  second: string | undefined,
  missing: { readonly command: string; readonly what: string; readonly hint: string },
): { readonly environment: string | undefined; readonly thing: string } {
  const { environment, thing } = environmentAnd(first, second);
  if (thing === undefined) throw new CommandFailure([missingThing(missing)]);
  return { environment, thing };
}

const missingThing = (missing: {
  readonly command: string;
  readonly what: string;
  readonly hint: string;
}): Diagnostic => ({
  code: 'missing-argument',
  severity: 'error',
  summary: 'An argument is missing',
  detail: `"deployctl ${missing.command}" needs ${missing.what}.`,
  hint: missing.hint,
});
