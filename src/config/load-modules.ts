/** Reads the environment's files and those of its modules into the tree of modules. */
import { posix } from 'node:path';
import type { ParsedFile } from '../hcl/syntax/parser.ts';
import { parseFile } from '../hcl/syntax/parser.ts';
import type { SourceText } from '../hcl/syntax/source.ts';
import type { Diagnostic } from '../model/index.ts';
import { Dependencies } from './dependencies.ts';
import type { Reporter } from './evaluation.ts';
import { type BlockItem, collectItems, nameSpan } from './items.ts';
import type { Module } from './modules.ts';
import { placeOf } from './problems.ts';
import type { BlockShape } from './schema/shape.ts';

/** A file as it was read. `path` is what messages call it: the path as the user would type it. */
export interface ConfigFile {
  readonly path: string;
  readonly bytes: Uint8Array | string;
}

/** The `*.hcl` files of a module's folder, or why they cannot be read. `folder` is absolute. */
export type ReadModule = (folder: string) => Promise<{ readonly files: readonly ConfigFile[] } | Diagnostic>;

export type Shapes = Readonly<Record<string, BlockShape>>;

export interface ModuleLoader {
  /** Of the blocks that there may be, those in full that the files of a module have. */
  readonly shapesFor: (files: readonly ParsedFile[]) => Promise<Shapes>;
  readonly readModule: ReadModule | undefined;
  readonly report: Reporter;
  keepSource(source: SourceText): void;
}

/** Parses files; errors of syntax are reported, and what could be read is kept. */
export function parseFiles(files: readonly ConfigFile[], loader: ModuleLoader): readonly ParsedFile[] {
  return files.map(({ path, bytes }) => {
    const file = parseFile(bytes, path);
    loader.keepSource(file.source);
    for (const diagnostic of file.diagnostics) loader.report.problems.add(diagnostic);
    return file;
  });
}

/** More than this is a circle that leads through ever new folders, such as links. */
const deepestModule = 32;

export async function loadModule(
  files: readonly ParsedFile[],
  folder: string,
  path: readonly string[],
  ancestors: readonly string[],
  loader: ModuleLoader,
): Promise<Module> {
  const shapes = await loader.shapesFor(files);
  const items = collectItems(files, shapes, loader.report.problems);
  const children = new Map<string, Module>();
  for (const item of items.values()) {
    if (item.kind !== 'block' || item.type !== 'module') continue;
    const child = await loadCall(item, folder, path, [...ancestors, folder], loader);
    if (child !== undefined) children.set(item.name, child);
  }
  const outputsOf = (name: string): ReadonlySet<string> | undefined => {
    const child = children.get(name);
    if (child === undefined) return undefined;
    return new Set([...child.items.values()].flatMap((item) => (item.type === 'output' ? [item.name] : [])));
  };
  const where = path.length === 0 ? 'this configuration' : `module.${path.join('.module.')}`;
  const dependencies = new Dependencies(
    items,
    shapes,
    outputsOf,
    where,
    path.length > 0,
    loader.report.problems,
  );
  return { path, folder, items, dependencies, children };
}

async function loadCall(
  item: BlockItem,
  folder: string,
  path: readonly string[],
  ancestors: readonly string[],
  loader: ModuleLoader,
): Promise<Module | undefined> {
  const { report } = loader;
  const written = item.block.body.attributes.find((attribute) => attribute.name === 'source')?.value;
  if (written === undefined) {
    report.error(placeOf(item.source, nameSpan(item)), {
      code: 'missing-argument',
      summary: 'Missing required argument',
      detail: 'The argument "source" is required, but no definition was found.',
      hint: 'It is the folder of the module, such as "../modules/web".',
    });
    return undefined;
  }
  const place = placeOf(item.source, written);
  if (written.kind !== 'string') {
    report.error(place, {
      code: 'invalid-module-source',
      summary: 'Invalid module source address',
      detail:
        'A module is read before anything is evaluated, so its source is a plain text such as "../modules/web".',
    });
    return undefined;
  }
  const source = written.value;
  if (!/^\.{1,2}(\/|$)/.test(source)) {
    report.error(place, {
      code: 'invalid-module-source',
      summary: 'Invalid module source address',
      detail: `A module's source is a local folder and begins with "./" or "../"; "${source}" does not.`,
      hint: /^[\w-]+(\/[\w-]+)*$/.test(source)
        ? `Did you mean "./${source}"?`
        : 'Modules from registries and repositories are not fetched: copy the folder beside the environments.',
    });
    return undefined;
  }
  const target = posix.resolve(folder, source);
  if (ancestors.includes(target) || ancestors.length > deepestModule) {
    report.error(place, {
      code: 'module-cycle',
      summary: 'Module that contains itself',
      detail: `module.${[...path, item.name].join('.module.')} uses the folder "${source}", which this module is a part of.`,
    });
    return undefined;
  }
  const read = await loader.readModule?.(target);
  if (read === undefined) return undefined;
  if (!('files' in read)) {
    report.problems.add({ ...read, subject: read.subject ?? place.source.rangeOf(place.span) });
    return undefined;
  }
  if (read.files.length === 0) {
    report.error(place, {
      code: 'empty-module',
      summary: 'Module without files',
      detail: `The folder "${source}" has no .hcl files.`,
    });
    return undefined;
  }
  const module = await loadModule(
    parseFiles(read.files, loader),
    target,
    [...path, item.name],
    ancestors,
    loader,
  );
  refuseRootOnly(module, report);
  return module;
}

/** Settings and policies are for the whole environment; in a module they would look as if they were not. */
function refuseRootOnly(module: Module, report: Reporter): void {
  for (const item of module.items.values()) {
    if (!['deployctl', 'policy', 'hook', 'moved'].includes(item.type)) continue;
    report.error(placeOf(item.source, nameSpan(item)), {
      code: 'root-only-block',
      summary: 'Block that belongs into the environment',
      detail: `${item.type} blocks are for the whole environment and cannot stand in a module.`,
    });
  }
}
