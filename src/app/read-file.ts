/** A file of the user's, whole. Throws an `AppFailure` that names it as `shown` and says why it cannot be read. */
import { readFileSync } from 'node:fs';
import { systemReason } from '../model/index.ts';
import { AppFailure } from './failure.ts';

export function readConfigurationFile(path: string, shown: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new AppFailure([
      {
        code: 'configuration-unreadable',
        severity: 'error',
        summary: 'A file of the configuration cannot be read',
        detail: `${shown}: ${systemReason(error, { ENOENT: 'it is a link to a file that is not there' })}.`,
        hint: 'Every .hcl file of the folder is a part of the configuration. Mend it, or move it away.',
      },
    ]);
  }
}
