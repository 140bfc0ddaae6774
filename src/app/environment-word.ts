import { basename, join, relative, resolve } from 'node:path';

/** What has to be typed after a command, standing in `cwd`, for it to find this folder. Both are absolute. */
export function environmentWord(folder: string, cwd: string): string {
  if (resolve(folder, '..') === join(cwd, 'environments')) return basename(folder);
  const path = relative(cwd, folder);
  if (path === '') return '.';
  if (path.startsWith('../../..')) return folder;
  // Without a slash it would be taken for a name, and the name of another one wins.
  return path.includes('/') ? path : `./${path}`;
}
