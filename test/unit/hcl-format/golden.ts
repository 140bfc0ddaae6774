import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A text and what `terraform fmt` 1.11.4 made of it. */
export interface Golden {
  readonly name: string;
  readonly text: string;
  readonly formatted: string;
}

const folder = new URL('../../golden/fmt/', import.meta.url);

/** Where Terraform's answer for a text that was written by hand is kept. */
export const recordOf = (name: string): string => fileURLToPath(new URL(`${name}.out.hcl`, folder));

/** Where the documents of a generator are kept, as pairs of texts. */
export const generatedRecord: string = fileURLToPath(new URL('generated.json', folder));

/** Written by hand: `<name>.in.hcl` and `<name>.out.hcl`. */
export function handWritten(): Golden[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.in.hcl'))
    .sort()
    .map((file) => {
      const name = file.slice(0, -'.in.hcl'.length);
      const record = recordOf(name);
      const formatted = existsSync(record) ? readFileSync(record, 'utf8') : 'not recorded';
      return { name, text: readFileSync(new URL(file, folder), 'utf8'), formatted };
    });
}

/** Made by a generator. */
export function generated(): Golden[] {
  const pairs = JSON.parse(readFileSync(generatedRecord, 'utf8')) as [string, string][];
  return pairs.map(([text, formatted], index) => ({ name: `generated ${index}`, text, formatted }));
}
