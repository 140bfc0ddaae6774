import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { Expression } from '../../syntax/ast.ts';
import type { Marks } from '../marks.ts';
import { joinMarks } from '../marks.ts';
import { FileFailure, type FileReader } from '../ports.ts';
import { quote } from '../quote.ts';
import { set } from '../sets.ts';
import { BOOL, DYNAMIC, STRING, setType } from '../types.ts';
import type { Value } from '../values.ts';
import { bool, string, unknown, withMarks } from '../values.ts';
import { argument, textOf, textParameter } from './arguments.ts';
import type { CallContext, FunctionDefinition } from './definition.ts';
import { discreet, FunctionFailure } from './definition.ts';
import { fromUtf8 } from './encoding.ts';
import { HASHES } from './hash.ts';

const pathParameter = { ...textParameter('path'), takesMarked: true } as const;

function filesOf({ ports }: CallContext): FileReader {
  if (ports.files === undefined) throw discreet('files cannot be read here');
  return ports.files;
}

/** Reads a file, and says of a path that is sensitive only that it is. */
function withFiles<T>(
  cx: CallContext,
  marks: Marks,
  blame: number | undefined,
  read: (files: FileReader) => T,
): T {
  try {
    return read(filesOf(cx));
  } catch (failure) {
    if (!(failure instanceof FileFailure)) throw failure;
    throw marks.size > 0
      ? discreet('there is no such file, or it cannot be read; its path is sensitive', blame)
      : new FunctionFailure(failure.message, blame);
  }
}

function readText(cx: CallContext, path: string, marks: Marks): string {
  const text = fromUtf8(withFiles(cx, marks, 0, (files) => files.read(path)));
  if (text !== undefined) return text;
  const shown = marks.size > 0 ? '(sensitive value)' : quote(path);
  throw discreet(
    `contents of ${shown} are not valid UTF-8; use the filebase64 function to obtain the Base64 encoded contents or the other file functions (e.g. filemd5, filesha256) to obtain file hashing results instead`,
  );
}

const onFile = (
  name: string,
  summary: string,
  apply: (path: string, marks: Marks, cx: CallContext) => string,
): FunctionDefinition => ({
  name,
  family: 'filesystem',
  summary,
  parameters: [pathParameter],
  returns: STRING,
  call: (args, cx) => {
    const { marks } = argument(args, 0);
    return withMarks(string(apply(textOf(args, 0), marks, cx)), marks);
  },
});

const hashes = HASHES.map(([name, algorithm, encoding]) =>
  onFile(
    `file${name}`,
    `The ${algorithm.replace('sha', 'SHA-').replace('md5', 'MD5')} hash of a file, in ${encoding}.`,
    (path, marks, cx) =>
      createHash(algorithm)
        .update(withFiles(cx, marks, undefined, (files) => files.read(path)))
        .digest(encoding),
  ),
);

const fileexists: FunctionDefinition = {
  name: 'fileexists',
  family: 'filesystem',
  summary: 'Whether there is a file.',
  parameters: [pathParameter],
  returns: BOOL,
  call: (args, cx) => {
    const { marks } = argument(args, 0);
    return withMarks(bool(withFiles(cx, marks, undefined, (files) => files.exists(textOf(args, 0)))), marks);
  },
};

const fileset: FunctionDefinition = {
  name: 'fileset',
  family: 'filesystem',
  summary: 'The paths of the files below a folder that match a pattern: *, **, ?, [a-z], {a,b}.',
  parameters: [pathParameter, { ...textParameter('pattern'), takesMarked: true }],
  returns: setType(STRING),
  call: (args, cx) => {
    const marks = joinMarks(argument(args, 0).marks, argument(args, 1).marks);
    const found = withFiles(cx, marks, undefined, (files) => files.glob(textOf(args, 0), textOf(args, 1)));
    return withMarks(set(found.map(string), STRING), marks);
  },
};

const onPath = (
  name: string,
  summary: string,
  apply: (path: string, cx: CallContext) => string,
): FunctionDefinition => ({
  name,
  family: 'filesystem',
  summary,
  parameters: [textParameter('path')],
  returns: STRING,
  call: (args, cx) => string(apply(textOf(args, 0), cx)),
});

/** Go's filepath.Base. */
function basename(path: string): string {
  if (path === '') return '.';
  const trimmed = path.replace(/\/+$/, '');
  return trimmed === '' ? '/' : trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

/** Go's filepath.Dir: everything up to the last slash, put in its shortest form. */
function dirname(path: string): string {
  const clean = posix.normalize(path.slice(0, path.lastIndexOf('/') + 1));
  return clean === '/' ? clean : clean.replace(/\/$/, '');
}

function pathexpand(path: string, { ports }: CallContext): string {
  if (!path.startsWith('~')) return path;
  if (path.length > 1 && path[1] !== '/') throw discreet('cannot expand user-specific home dir');
  const home = ports.files?.home();
  if (home === undefined) throw discreet('the home folder is not known here');
  return posix.join(home, path.slice(1));
}

const variables = { name: 'vars', type: DYNAMIC } as const;

const templatefile: FunctionDefinition = {
  name: 'templatefile',
  family: 'filesystem',
  summary: 'A file as a template, evaluated with these variables.',
  parameters: [pathParameter, variables],
  mayBeNull: true,
  returns: DYNAMIC,
  call: (args, cx) => {
    const { marks } = argument(args, 0);
    const name = textOf(args, 0);
    refuseNesting('templatefile', cx);
    return withMarks(cx.renderTemplate({ name, text: readText(cx, name, marks) }, argument(args, 1)), marks);
  },
};

const templatestring: FunctionDefinition = {
  name: 'templatestring',
  family: 'string',
  summary: 'A text from elsewhere as a template, evaluated with these variables.',
  parameters: [
    { name: 'template', type: DYNAMIC, takesNull: true, takesUnknown: true, takesDynamic: true },
    variables,
  ],
  mayBeNull: true,
  checkWriting: checkTemplateWriting,
  returns: DYNAMIC,
  call: (args, cx) => {
    const template: Value = argument(args, 0);
    if (template.kind === 'unknown') return unknown(DYNAMIC);
    if (template.kind !== 'string') throw discreet('invalid template value: a string is required', 0);
    refuseNesting('templatestring', cx);
    return cx.renderTemplate({ name: '<templatestring argument>', text: template.text }, argument(args, 1));
  },
};

/** A template that is written where it is used would be evaluated twice, which is never what is meant. */
function checkTemplateWriting([template]: readonly Expression[]): void {
  const elsewhere = 'templatestring is only for rendering templates retrieved dynamically from elsewhere';
  const refuse = (why: string): FunctionFailure => discreet(`invalid template expression: ${why}`, 0);
  let node = template;
  switch (node?.kind) {
    case 'string':
      throw refuse(
        `${elsewhere}, and so does not support providing a literal template; consider using a template string expression instead`,
      );
    case 'template':
      throw refuse(
        `${elsewhere}; to render an inline template, consider using a plain template string expression`,
      );
    case 'templateWrap':
      throw refuse(
        `${elsewhere}; to treat the inner expression as template syntax, write the reference expression directly without any template interpolation syntax`,
      );
  }
  while (node !== undefined && node.kind !== 'traversal') {
    if (node.kind === 'index') node = node.collection;
    else if (node.kind === 'relative' || node.kind === 'splat') node = node.source;
    else {
      throw refuse(
        'must be a direct reference to a single string from elsewhere, containing valid Terraform template syntax',
      );
    }
  }
}

function refuseNesting(name: string, cx: CallContext): void {
  if (cx.templateDepth > 0) {
    throw discreet(`cannot recursively call ${name} from inside another template function`);
  }
}

export const FILESYSTEM_FUNCTIONS: readonly FunctionDefinition[] = [
  onPath('abspath', 'A path from the root of the file system.', (path, cx) => filesOf(cx).absolute(path)),
  onPath('basename', 'The last part of a path.', basename),
  onPath('dirname', 'A path without its last part.', dirname),
  onFile('file', 'The text of a file.', (path, marks, cx) => readText(cx, path, marks)),
  onFile('filebase64', 'The bytes of a file, as base64.', (path, marks, cx) =>
    Buffer.from(withFiles(cx, marks, 0, (files) => files.read(path))).toString('base64'),
  ),
  fileexists,
  fileset,
  ...hashes,
  onPath('pathexpand', 'A path with ~ at its beginning replaced by the home folder.', pathexpand),
  templatefile,
  templatestring,
];
