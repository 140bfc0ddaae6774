/**
 * Writes down what `terraform fmt` makes of the texts in test/golden/fmt, and of documents from the generator:
 * `node test/unit/hcl-format/record.ts`. Needs Terraform 1.11; the tests do not.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { hclDocument } from '../../fuzz/hcl-texts.ts';
import { folder } from './golden.ts';
import { terraformFmt, terraformIsHere } from './terraform.ts';

if (!terraformIsHere) throw new Error('there is no Terraform 1.11 on this machine');

const files = readdirSync(folder).filter((file) => file.endsWith('.in.hcl'));
const outputs = terraformFmt(files.map((file) => readFileSync(new URL(file, folder), 'utf8')));
const refused: string[] = [];
for (const [index, file] of files.entries()) {
  const output = outputs[index];
  if (output === undefined) refused.push(file);
  else writeFileSync(new URL(file.replace('.in.', '.out.'), folder), output);
}
if (refused.length > 0) throw new Error(`terraform fmt refuses ${refused.join(', ')}`);

const texts = [...new Set(fc.sample(hclDocument, { numRuns: 900, seed: 2 }))];
const formatted = terraformFmt(texts);
const pairs = texts
  .map((text, index) => [text, formatted[index]] as const)
  .filter(([text, output]) => output !== undefined && output !== text && text.length < 400)
  .slice(0, 400);
writeFileSync(new URL('generated.json', folder), `${JSON.stringify(pairs, undefined, 1)}\n`);
process.stdout.write(`${files.length} files, ${pairs.length} documents\n`);
