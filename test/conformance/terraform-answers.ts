import { readFileSync } from 'node:fs';

/** What Terraform answered to one expression; ask-terraform.ts makes them. */
export interface Answer {
  readonly expr: string;
  /** The value as JSON with every digit, when it is known. */
  readonly json?: string;
  readonly type?: unknown;
  /** Whether the value itself is sensitive; undefined where that was not recorded. */
  readonly sensitive?: boolean | undefined;
  /** Whether it or any part of it is. */
  readonly containsSensitive?: boolean | undefined;
  /** In the shape of the value: what is not known. */
  readonly unknown?: unknown;
  /** Where it was refused: while reading, before evaluating, or while evaluating. */
  readonly stage?: 'parse' | 'static' | 'eval' | 'serialize';
  readonly diagnostics?: readonly { readonly summary: string; readonly detail: string }[];
  /** Terraform ended with a stack trace: nothing to copy. */
  readonly crash?: boolean;
}

interface Corpus {
  readonly locals: readonly { readonly name: string; readonly expr: string }[];
  readonly unknowns: readonly string[];
  readonly results: readonly Answer[];
}

const read = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../golden/${name}`, import.meta.url), 'utf8')) as T;

const corpus = read<Corpus>('hcl-conformance.json');
const more = read<{ files: Record<string, string>; results: readonly Answer[] }>('hcl-more.json');

/** The definitions that all expressions share. */
export const { locals, unknowns } = corpus;
/** The files that expressions read, by their path; each character is one byte for names that end in .bin. */
export const { files } = more;
export const answers: readonly Answer[] = [
  ...corpus.results.map((answer) =>
    answer.json === undefined ? answer : { ...answer, sensitive: answer.sensitive === true },
  ),
  ...more.results.map((answer) => ({ ...answer, containsSensitive: answer.containsSensitive === true })),
];
