import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Answer } from './terraform-answers.ts';
import { files, locals, unknowns } from './terraform-answers.ts';

/** Terraform's version where it is installed; undefined elsewhere. */
export function terraformVersion(): string | undefined {
  const { stdout, status } = terraform('.', 'version', '-json');
  if (status !== 0) return undefined;
  return (JSON.parse(stdout) as { terraform_version: string }).terraform_version;
}

interface TerraformDiagnostic {
  readonly severity: string;
  readonly summary: string;
  readonly detail: string;
  readonly range?: { readonly filename: string };
}

/** Answers that are unlikely to be given in one round are asked again without those that were refused. */
const MOST_ROUNDS = 40;
const IS_SENSITIVE = 'Output refers to sensitive values';

/**
 * Asks Terraform itself, with a throw-away module that has an output for each expression in a file of its own: it is
 * validated and planned until nothing is refused any more, and the plan has the values.
 */
export function askTerraform(expressions: readonly string[]): Answer[] {
  const folder = mkdtempSync(join(tmpdir(), 'deployctl-terraform-'));
  try {
    writeModule(folder);
    const refused = new Map<string, TerraformDiagnostic[]>();
    const sensitive = new Set<string>();
    const open = new Map(expressions.map((expr, i) => [`m${String(i).padStart(5, '0')}`, expr]));
    const write = (id: string, expr: string): void => {
      const mark = sensitive.has(id) ? '  sensitive = true\n' : '';
      writeFileSync(join(folder, `${id}.tf`), `output "${id}" {\n${mark}  value = ${expr}\n}\n`);
    };
    for (const [id, expr] of open) write(id, expr);

    const settle = (diagnostics: readonly TerraformDiagnostic[]): boolean => {
      const errors = diagnostics.filter(({ severity }) => severity === 'error');
      for (const [id, found] of Map.groupBy(
        errors,
        ({ range }) => range?.filename.replace(/\.tf$/, '') ?? '',
      )) {
        const expr = open.get(id);
        if (expr === undefined) continue;
        if (found.every(({ summary }) => summary === IS_SENSITIVE)) {
          sensitive.add(id);
          write(id, expr);
        } else {
          refused.set(id, found);
          open.delete(id);
          rmSync(join(folder, `${id}.tf`));
        }
      }
      return errors.length === 0;
    };

    terraform(folder, 'init', '-input=false');
    repeat(() => settle(validate(folder)));
    terraform(folder, 'init', '-input=false');
    repeat(() => settle(plan(folder)));
    const values = outputsOf(folder);
    return expressions.map((expr, i): Answer => {
      const id = `m${String(i).padStart(5, '0')}`;
      const diagnostics = refused.get(id);
      // Whether it was refused while reading or later is not told; both count as refused.
      if (diagnostics !== undefined) return { expr, stage: 'static', diagnostics };
      return { expr, ...values.get(id), containsSensitive: sensitive.has(id) };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function repeat(attempt: () => boolean): void {
  for (let round = 0; round < MOST_ROUNDS; round++) if (attempt()) return;
  throw new Error('terraform goes on refusing');
}

function terraform(folder: string, ...args: string[]): { stdout: string; status: number | null } {
  const env = { ...process.env, CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1' };
  const { stdout, status } = spawnSync('terraform', args, {
    cwd: folder,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { stdout: stdout ?? '', status };
}

function writeModule(folder: string): void {
  const resources = unknowns.map((name) => `resource "terraform_data" "${name}" {}\n`);
  const unknown = unknowns.map((name) => `  ${name} = terraform_data.${name}.id\n`);
  const known = locals.map(({ name, expr }) => `  ${name} = ${expr}\n`);
  writeFileSync(
    join(folder, 'base.tf'),
    `${resources.join('')}locals {\n${known.join('')}${unknown.join('')}}\n`,
  );
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content, name.endsWith('.bin') ? 'latin1' : 'utf8');
  }
}

function validate(folder: string): TerraformDiagnostic[] {
  const { stdout } = terraform(folder, 'validate', '-json');
  return (JSON.parse(stdout) as { diagnostics?: TerraformDiagnostic[] }).diagnostics ?? [];
}

function plan(folder: string): TerraformDiagnostic[] {
  const { stdout } = terraform(folder, 'plan', '-input=false', '-json', '-lock=false', '-out=plan.bin');
  const found: TerraformDiagnostic[] = [];
  for (const line of stdout.split('\n')) {
    if (!line.startsWith('{')) continue;
    const message = JSON.parse(line) as { type: string; diagnostic?: TerraformDiagnostic };
    if (message.type !== 'diagnostic' || message.diagnostic === undefined) continue;
    found.push(...unwritable(message.diagnostic));
  }
  return found;
}

/** An infinity is refused only when the plan is written, and for all outputs at once. */
function unwritable(diagnostic: TerraformDiagnostic): TerraformDiagnostic[] {
  if (diagnostic.summary !== 'Failed to write plan file') return [diagnostic];
  const names = [...diagnostic.detail.matchAll(/output value "(m\d+)": cannot/g)].map(
    ([, name]) => name ?? '',
  );
  return [...new Set(names)].map((name) => ({ ...diagnostic, range: { filename: `${name}.tf` } }));
}

interface Shown {
  readonly output_changes?: Readonly<
    Record<string, { readonly after?: unknown; readonly after_unknown?: unknown }>
  >;
  readonly planned_values?: {
    readonly outputs?: Readonly<Record<string, { readonly value?: unknown; readonly type?: unknown }>>;
  };
}

/** The digits of numbers, kept as they are written. */
class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function outputsOf(folder: string): Map<string, Omit<Answer, 'expr'>> {
  const { stdout } = terraform(folder, 'show', '-json', 'plan.bin');
  const keep = (_: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' ? new Digits(context?.source ?? String(value)) : value;
  const shown = JSON.parse(stdout, keep as (this: unknown, key: string, value: unknown) => unknown) as Shown;
  const answers = new Map<string, Omit<Answer, 'expr'>>();
  for (const [id, change] of Object.entries(shown.output_changes ?? {})) {
    const unknown = change.after_unknown ?? false;
    if (JSON.stringify(unknown).includes('true')) answers.set(id, { unknown });
    else {
      const planned = shown.planned_values?.outputs?.[id];
      const json = write(planned !== undefined && 'value' in planned ? planned.value : change.after);
      answers.set(id, json === 'null' ? { json } : { json, type: planned?.type });
    }
  }
  return answers;
}

function write(value: unknown): string {
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value).map(([key, part]) => `${JSON.stringify(key)}:${write(part)}`);
  return `{${entries.join(',')}}`;
}
