import { basename, join } from 'node:path';

/**
 * The folder of the built program: main.cjs, the manifest, the files of its threads and processes. Run from its
 * sources, the program still uses what was built last for those. The only place that may ask for its own path:
 * after bundling, a source file's place means nothing (the build refuses it elsewhere).
 */
export const programFolder: string =
  basename(import.meta.dirname) === 'src' ? join(import.meta.dirname, '../dist') : import.meta.dirname;
