import { createInterface } from 'node:readline';
import { type Answer, consoleSource, type Console as Expressions, openConsole } from '../app/console.ts';
import { printableJson } from '../ui/printable.ts';
import { validateJson } from '../ui/validate-json.ts';
import { BaseCommand } from './base.ts';
import { diagnosticsText } from './diagnostics-text.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { appContext, configurationAsk, configurationFlags, environmentArgument, jsonFlag } from './flags.ts';

export default class Console extends BaseCommand {
  static override readonly summary = 'Try expressions: what a reference holds, what a function gives.';
  static override readonly description =
    'Reads one expression a line from standard input, and goes on after an error. On a terminal it has history and completion, and takes expressions of several lines. type(...) tells the type of a value, as in Terraform. Asks no host.';
  static override readonly examples = [
    '<%= config.bin %> console prod',
    `echo '[for h in host.web : h.address]' | <%= config.bin %> console prod --json`,
  ];
  static override readonly args = environmentArgument;
  static override readonly flags = {
    ...configurationFlags,
    json: jsonFlag.json,
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Console);
    const expressions = await openConsole(
      configurationAsk(args.environment, flags),
      appContext(this.terminal),
    );
    if (this.terminal.interactive && !flags.json) return this.#interactive(expressions);
    return this.#piped(expressions, flags.json);
  }

  async #piped(expressions: Expressions, json: boolean): Promise<ExitCode> {
    let failed = false;
    for await (const line of createInterface({
      input: this.terminal.stdin as NodeJS.ReadableStream,
      crlfDelay: Infinity,
    })) {
      if (line.trim() === '' && !json) continue;
      const answer = expressions.evaluate(line);
      failed ||= !answer.ok;
      if (json) this.print(answerJson(answer, line));
      else this.#tell(answer, line);
    }
    return failed && !json ? exitCode.error : exitCode.done;
  }

  #tell(answer: Answer, typed: string): void {
    if (answer.ok) this.print(answer.text);
    else
      this.terminal.stderr.write(
        diagnosticsText(answer.diagnostics, this.terminal, { [consoleSource]: typed }),
      );
  }

  /** Lines are collected while brackets are open; an empty line has what is there evaluated. */
  #interactive(expressions: Expressions): Promise<ExitCode> {
    const lines = createInterface({
      input: this.terminal.stdin as NodeJS.ReadableStream,
      output: this.terminal.stdout as NodeJS.WritableStream,
      prompt: '> ',
      historySize: 1000,
      removeHistoryDuplicates: true,
      completer: (text: string): [string[], string] => {
        const found = expressions.complete(text);
        return [[...found], /[\w.[\]"-]*$/.exec(text)?.[0] ?? ''];
      },
    });
    let text = '';
    lines.on('line', (line) => {
      if (text === '' && /^\s*(exit|quit)\s*$/.test(line)) return lines.close();
      text = text === '' ? line : `${text}\n${line}`;
      if (line.trim() !== '' && expressions.isIncomplete(text)) lines.setPrompt('  ');
      else {
        if (text.trim() !== '') this.#tell(expressions.evaluate(text), text);
        text = '';
        lines.setPrompt('> ');
      }
      lines.prompt();
    });
    lines.on('SIGINT', () => {
      if (text === '' && lines.line === '') return lines.close();
      text = '';
      lines.setPrompt('> ');
      lines.write(null, { ctrl: true, name: 'u' });
      this.terminal.stdout.write('\n');
      lines.prompt();
    });
    lines.prompt();
    return new Promise((resolve) => lines.once('close', () => resolve(exitCode.done)));
  }
}

/** One line for each expression. `json` keeps every digit of a number, which `value` may not. */
function answerJson(answer: Answer, text: string): string {
  if (!answer.ok) {
    return printableJson({
      ok: false,
      diagnostics: validateJson(answer.diagnostics, () => text).diagnostics,
    });
  }
  const { json, type, isSensitive, isKnown } = answer;
  return printableJson({
    ok: true,
    value: json === undefined ? null : JSON.parse(json),
    json: json ?? null,
    type,
    ...(isSensitive ? { sensitive: true } : {}),
    ...(isKnown ? {} : { unknown: true }),
  });
}
