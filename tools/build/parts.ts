/**
 * The program in two files: main.cjs with what `plan` of an empty environment runs, rest.cjs with everything else.
 *
 *   src/main.ts ──▶ esbuild cuts at every import() ──▶ parts ──▶ main.cjs  { part, part, ... }  runs the first part
 *                                                           └──▶ rest.cjs  { part, part, ... }  read when one is needed
 *
 * Each part is a function that runs once, when it is first asked for: of what does not run, not even the names of its
 * functions are made, and half of the program is not read. Measured: 8 ms of a start of 65.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type BuildOptions, build, type Metafile, transform } from 'esbuild';

const program = 'src/main.ts';
/** main.cjs has all that these need at once. */
const soonest = [program, 'src/commands/plan.ts'];

/**
 * `absWorkingDir` is the program's folder, `finish` what is done to the text of every bundle. Throws, with nothing written,
 * where a part is not what this file knows how to join.
 */
export async function bundleInParts(
  options: BuildOptions & { readonly outdir: string; readonly absWorkingDir: string },
  finish: (text: string) => string,
): Promise<void> {
  const { outputFiles, metafile, warnings } = await build({
    ...options,
    entryPoints: [program],
    format: 'esm',
    splitting: true,
    chunkNames: '[name]-[hash]',
    metafile: true,
    write: false,
  });
  if (warnings.length > 0) throw new Error('the build warns (see above)');
  await refuseChangingExports(metafile, options.absWorkingDir);
  const early = neededBy(soonest, metafile);
  const texts = new Map<string, string>();
  for (const { path, text } of outputFiles) texts.set(basename(path), await partOf(text, options));
  const table = (isEarly: boolean): string =>
    [...texts]
      .filter(([name]) => early.has(name) === isEarly)
      .map(([name, text]) => `${JSON.stringify(name)}:${text}`)
      .join(',\n');
  await writeFile(
    `${options.outdir}/main.cjs`,
    finish(`"use strict";${linker(table(true))}\n__part("main.js");\n`),
  );
  await writeFile(
    `${options.outdir}/rest.cjs`,
    finish(`"use strict";module.exports={\n${table(false)}\n};\n`),
  );
}

/** Runs parts, each once. A part asks for those that it stands on before it does anything else, as modules do. */
const linker = (table: string): string => `const __parts={\n${table}\n};
const __ran=new Map();
function __part(name){
let exported=__ran.get(name);
if(exported===undefined){
if(!Object.hasOwn(__parts,name))Object.assign(__parts,require("./rest.cjs"));
exported=__parts[name](__part,__import);
__ran.set(name,exported);
}
return exported;
}
async function __import(name){return __part(name);}`;

const importLine = /^import(?:\{([^}]*)\}from)?"\.\/([\w.-]+\.js)";\n?/;
const exportLine = /\bexport(?:\{([^}]*)\}| default ([\w$]+\(\)));\s*$/;

/** One chunk of esbuild's, an ES module, as a function that returns what it exports. */
async function partOf(
  module: string,
  { minifyWhitespace, lineLimit, target }: BuildOptions,
): Promise<string> {
  const standsOn: string[] = [];
  let body = module;
  for (let found = importLine.exec(body); found !== null; found = importLine.exec(body)) {
    const [line, names, from] = found;
    const run = `__part(${JSON.stringify(from)});`;
    standsOn.push(names === undefined ? run : `const{${names.replaceAll(/\s+as\s+/g, ':')}}=${run}`);
    body = body.slice(line.length);
  }
  const exported = exportLine.exec(body);
  if (exported !== null) body = body.slice(0, exported.index);
  const [, named = '', whole] = exported ?? [];
  body = body.replaceAll(/\bimport\("\.\/([\w.-]+\.js)"\)/g, '__import("$1")');
  // What is left to import is Node's own, and becomes require.
  const { code } = await transform(body, {
    format: 'cjs',
    platform: 'node',
    treeShaking: false,
    ...(minifyWhitespace === undefined ? {} : { minifyWhitespace }),
    ...(lineLimit === undefined ? {} : { lineLimit }),
    ...(target === undefined ? {} : { target }),
  });
  if (/\bmodule\.exports=__toCommonJS\(|\brequire\("\.\/[\w.-]+\.js"\)/.test(code))
    throw new Error(`this part imports or exports in a way that is not known here: ${code.slice(0, 500)}`);
  const returned =
    whole === undefined ? named.replaceAll(/([\w$]+)\s+as\s+([\w$]+)/g, '$2:$1') : `default:${whole}`;
  return `function(__part,__import){${standsOn.join('')}\n${code.replace(/^"use strict";/, '')}\nreturn{${returned}};}`;
}

/** The files of `sources` and of what they import, without what is imported when it is needed. */
function neededBy(sources: readonly string[], { outputs }: Metafile): ReadonlySet<string> {
  const wanted = Object.keys(outputs).filter((path) => sources.includes(outputs[path]?.entryPoint ?? ''));
  if (wanted.length !== sources.length)
    throw new Error(`not all of ${sources.join(', ')} is a part of its own`);
  const needed = new Set(wanted);
  for (const path of needed) {
    for (const { path: other, kind } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && Object.hasOwn(outputs, other)) needed.add(other);
    }
  }
  return new Set([...needed].map((path) => basename(path)));
}

/**
 * A part takes what others export when it begins: something that changes later would stay as it was. Such are
 * variables, and what a module exports that is run late because a package asks for it by require.
 */
async function refuseChangingExports({ inputs }: Metafile, folder: string): Promise<void> {
  const required = new Set<string>();
  const imported = new Set<string>();
  for (const [path, { imports }] of Object.entries(inputs)) {
    for (const { path: other, kind } of imports) {
      if (inputs[other]?.format !== 'esm') continue;
      if (kind === 'require-call') required.add(other);
      else if (path.startsWith('src/') && kind === 'import-statement') imported.add(other);
    }
    if (!/\.m?[jt]s$/.test(path) || path.includes(':')) continue;
    const text = await readFile(`${folder}/${path}`, 'utf8');
    if (/^\s*export (let|var) /m.test(text)) throw new Error(`${path} exports a variable, which may change`);
  }
  const [both] = required.intersection(imported);
  if (both !== undefined) throw new Error(`${both} is imported here and required elsewhere`);
}
