/**
 * What every command stands on.
 *
 * To add one:
 *
 * 1. Write `src/commands/<name>.ts` (`src/commands/state/list.ts` for `state list`) with one class as its default
 *    export, like `lab/up.ts`: static `summary`, `description`, `examples`, `args`, `flags` (oclif's `Args` and
 *    `Flags`, typed), and `run()`, which returns an exit code.
 * 2. Add its line to `table.ts`, in its group. Nothing is found by looking at folders. `bin/setup` builds it, and the
 *    manifest that help reads.
 * 3. In `run()`: `const { args, flags } = await this.parse(Plan)`; print with `this.print(text)`; refuse with
 *    `throw new CommandFailure(diagnostics)` or `this.refuse(diagnostic)`; notes and warnings go to standard error with
 *    `this.report(diagnostics)`.
 * 4. Import statically only what is cheap; `await import('../app/apply.ts')` what costs time. Never call
 *    `process.exit`: return the code, close what is open, and let the process end.
 */
import { Command } from '@oclif/core/command';
import type { Config } from '@oclif/core/config';
import * as Flags from '@oclif/core/flags';
import type { ArgInput, Input, ParserOutput } from '@oclif/core/interfaces';
import { systemClock } from '../app/clock.ts';
import { AppFailure } from '../app/failure.ts';
import { type Diagnostic, ProviderFailure, StateFailure } from '../model/index.ts';
import { refusalJson } from '../ui/refusal-json.ts';
import { bugText, diagnosticsText, guessEnvironmentFor } from './diagnostics-text.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { jsonText } from './json-text.ts';
import { type Log, openLog } from './log.ts';
import type { Terminal } from './terminal.ts';
import { usageDiagnostics } from './usage-errors.ts';

/** Ends a command with what its user can mend. Anything else that is thrown counts as a fault of deployctl. */
export class CommandFailure extends Error {
  readonly diagnostics: readonly Diagnostic[];
  readonly exitCode: ExitCode;

  constructor(diagnostics: readonly Diagnostic[], code: ExitCode = exitCode.error) {
    super(diagnostics.map(({ summary, detail }) => `${summary}: ${detail}`).join('\n'));
    this.name = 'CommandFailure';
    this.diagnostics = diagnostics;
    this.exitCode = code;
  }
}

export interface CommandClass {
  new (argv: string[], config: Config, terminal: Terminal): BaseCommand;
  /** As it is typed; set by the dispatcher from the table. */
  id: string;
}

export abstract class BaseCommand extends Command {
  static override readonly baseFlags = {
    'no-color': Flags.boolean({
      description: 'No colours. NO_COLOR and FORCE_COLOR are obeyed too.',
      helpGroup: 'GLOBAL',
    }),
    'no-input': Flags.boolean({
      description: 'Ask nothing: refuse where an answer would be needed.',
      helpGroup: 'GLOBAL',
    }),
  };

  protected readonly terminal: Terminal;
  /** Lines for DEPLOYCTL_LOG. (`this.log` is oclif's way to print; ours is {@link print}.) */
  protected readonly trace: Log;

  constructor(argv: string[], config: Config, terminal: Terminal) {
    super(argv, config);
    this.terminal = terminal;
    this.trace = openLog(terminal.environment, terminal.stderr, Date.now);
  }

  /** Does the work. Resolves with the exit code; throws {@link CommandFailure} for what the user can mend. */
  abstract override run(): Promise<ExitCode>;

  /**
   * As oclif does, but that an argument which is left out is not taken from standard input: the answers to questions come
   * from there (`yes | deployctl apply`), and what the console is asked.
   */
  protected override parse<
    F extends Record<string, unknown>,
    B extends Record<string, unknown>,
    A extends Record<string, unknown>,
  >(options: Input<F, B, A>, argv?: string[]): Promise<ParserOutput<F, B, A>> {
    const args = Object.entries(options.args ?? {}).map(([name, arg]) => [
      name,
      { ...arg, ignoreStdin: true },
    ]);
    // Those of a class that it has from another would not be copied with the rest.
    const { flags, baseFlags } = options;
    const input = { ...options, flags, baseFlags, args: Object.fromEntries(args) as ArgInput<A> };
    return super.parse(input as Input<F, B, A>, argv);
  }

  /** Runs it and answers for everything it throws: never rejects. */
  async toExitCode(): Promise<ExitCode> {
    const command = this.id ?? '';
    try {
      this.trace.debug(
        `deployctl ${command}: ${JSON.stringify(this.argv)} in ${process.cwd()}, Node ${process.version}`,
      );
      const code = await this.run();
      this.trace.info(`exit ${code} after ${Math.round(process.uptime() * 1000)} ms`);
      return code;
    } catch (error) {
      if (error instanceof CommandFailure || error instanceof AppFailure) {
        return await this.#refused(error.diagnostics, error.exitCode);
      }
      if (error instanceof ProviderFailure || error instanceof StateFailure) {
        this.trace.debug(error.stack ?? error.message);
        return await this.#refused([error.diagnostic], exitCode.error);
      }
      const { flags, baseFlags } = this.ctor;
      const known = Object.keys({ ...baseFlags, ...flags });
      const usage = usageDiagnostics(error, {
        command,
        flags: known,
        argv: this.argv,
        typed: process.argv.slice(2),
      });
      if (usage !== undefined) return await this.#refused(usage, exitCode.error);
      this.terminal.stderr.write(bugText(error, this.terminal));
      return exitCode.error;
    }
  }

  /** People read it on standard error; a program that asked for JSON finds the codes where it reads the result. */
  async #refused(diagnostics: readonly Diagnostic[], code: ExitCode): Promise<ExitCode> {
    await guessEnvironmentFor(this.terminal.call);
    this.report(diagnostics);
    if (this.argv.includes('--json')) {
      const at = systemClock.now();
      this.print(jsonText(refusalJson(this.id ?? '', diagnostics, code, at), this.terminal.call));
    }
    return code;
  }

  /** Standard output. A line end is added where the text has none. */
  protected print(text: string): void {
    this.terminal.stdout.write(text.endsWith('\n') || text === '' ? text : `${text}\n`);
  }

  /** Diagnostics on standard error, in Terraform's frame. */
  protected report(diagnostics: readonly Diagnostic[]): void {
    if (diagnostics.length > 0) this.terminal.stderr.write(diagnosticsText(diagnostics, this.terminal));
  }

  /** Ends the command with one diagnostic. */
  protected refuse(diagnostic: Omit<Diagnostic, 'severity'>, code: ExitCode = exitCode.error): never {
    throw new CommandFailure([{ severity: 'error', ...diagnostic }], code);
  }
}
