import type { Diagnostic, Outcome } from '../model/index.ts';

/**
 * The command's arguments with those of the environment before them, so that explicit flags win: first
 * `DEPLOYCTL_CLI_ARGS` (every command), then `DEPLOYCTL_CLI_ARGS_<command>` (`DEPLOYCTL_CLI_ARGS_state_list`), then
 * what was typed. Values are split like a shell's words, with quotes and backslashes; nothing is expanded.
 */
export function withEnvironmentArguments(
  command: string,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Outcome<readonly string[]> {
  const words: string[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const name of ['DEPLOYCTL_CLI_ARGS', `DEPLOYCTL_CLI_ARGS_${command.replace(/[ -]/g, '_')}`]) {
    const text = environment[name];
    if (text === undefined) continue;
    const split = splitWords(text);
    if (split === undefined) diagnostics.push(unclosedQuote(name, text));
    else words.push(...split);
  }
  if (diagnostics.length > 0) return { ok: false, diagnostics };
  return { ok: true, value: [...words, ...argv], diagnostics };
}

const unclosedQuote = (name: string, text: string): Diagnostic => ({
  code: 'cli-args-unclosed-quote',
  severity: 'error',
  summary: 'A quote is not closed',
  detail: `The environment variable ${name} is ${text}, where a quote opens that does not close, or a backslash stands last.`,
  hint: `Close the quote, or unset ${name}.`,
});

const word = /(?:[^\s'"\\]|\\[\s\S]|'[^']*'|"(?:[^"\\]|\\[\s\S])*")+/y;
const part = /'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^'"\\]+)/g;

/** Words as `sh` splits them; undefined where a quote or a backslash is left open. */
export function splitWords(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (/\s/.test(text[at] ?? '')) at += 1;
    if (at >= text.length) return words;
    word.lastIndex = at;
    const raw = word.exec(text)?.[0];
    if (raw === undefined) return undefined;
    at += raw.length;
    if (at < text.length && !/\s/.test(text[at] ?? '')) return undefined;
    words.push(
      raw.replace(part, (_, single?: string, double?: string, escaped?: string, plain?: string) =>
        double !== undefined ? double.replace(/\\(["\\$`])/g, '$1') : (single ?? escaped ?? plain ?? ''),
      ),
    );
  }
}
