/** What only a failing configuration, or `validate --cross-check`, asks for: the word of HashiCorp's own parser. */
import { crossCheck, withSecondOpinion } from '../hcl/judge/cross-check.ts';
import { SecondJudge } from '../hcl/judge/judge.ts';
import { type ParsedFile, parseFile } from '../hcl/syntax/parser.ts';
import type { Diagnostic } from '../model/index.ts';
import { type EnvironmentFolder, readConfiguration } from './environment.ts';

/**
 * The same diagnostics, with what HashiCorp's parser says beside the first syntax error of each file. Loads that
 * parser only where there is such an error: 0.3 to 0.6 s on a run that fails anyway.
 */
export async function withJudge(
  diagnostics: readonly Diagnostic[],
  sources: ReadonlyMap<string, { readonly text: string }>,
): Promise<readonly Diagnostic[]> {
  const broken = filesWithErrors(diagnostics, sources);
  if (broken.length === 0) return diagnostics;
  await using judge = new SecondJudge();
  const judged = new Map<string, Diagnostic>();
  for (const parsed of broken) {
    const [ours] = parsed.diagnostics;
    const [explained] = await withSecondOpinion(parsed, judge);
    if (ours !== undefined && explained !== undefined) judged.set(keyOf(ours), explained);
  }
  return diagnostics.map((each) => judged.get(keyOf(each)) ?? each);
}

const keyOf = ({ code, summary, subject }: Diagnostic): string =>
  `${code} ${summary} ${subject?.file}:${subject?.start.byte}`;

function filesWithErrors(
  diagnostics: readonly Diagnostic[],
  sources: ReadonlyMap<string, { readonly text: string }>,
): readonly ParsedFile[] {
  const names = new Set(diagnostics.flatMap((each) => each.subject?.file ?? []));
  return [...names].flatMap((name) => {
    const source = sources.get(name);
    if (source === undefined) return [];
    const parsed = parseFile(source.text, name);
    return parsed.diagnostics.length > 0 ? [parsed] : [];
  });
}

/** Reads every file with both parsers; where they differ, nobody should go on with it. */
export async function crossCheckEnvironment(environment: EnvironmentFolder): Promise<readonly Diagnostic[]> {
  await using judge = new SecondJudge();
  const found: Diagnostic[] = [];
  for (const { path, bytes } of readConfiguration(environment)) {
    const checked = await crossCheck(parseFile(bytes, path), judge);
    if (checked.result === 'differ') found.push(checked.diagnostic);
    if (checked.result === 'no_opinion') {
      found.push({
        code: 'no-second-opinion',
        severity: 'warning',
        summary: 'A file could not be cross-checked',
        detail: `${path}: ${checked.reason}.`,
      });
    }
  }
  return found;
}
