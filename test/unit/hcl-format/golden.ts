import { readdirSync, readFileSync } from 'node:fs';

/** Texts and what `terraform fmt` 1.11.4 made of them, as `record.ts` has written them down. */
export interface Golden {
  readonly name: string;
  readonly text: string;
  readonly formatted: string;
}

export const folder = new URL('../../golden/fmt/', import.meta.url);

/** Written by hand: `<name>.in.hcl` and `<name>.out.hcl`. */
export function handWritten(): Golden[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.in.hcl'))
    .sort()
    .map((file) => {
      const name = file.slice(0, -'.in.hcl'.length);
      const read = (kind: string): string => readFileSync(new URL(`${name}.${kind}.hcl`, folder), 'utf8');
      return { name, text: read('in'), formatted: read('out') };
    });
}

/** Made by the generator of documents: pairs of texts. */
export function generated(): Golden[] {
  const pairs = JSON.parse(readFileSync(new URL('generated.json', folder), 'utf8')) as [string, string][];
  return pairs.map(([text, formatted], index) => ({ name: `generated ${index}`, text, formatted }));
}
