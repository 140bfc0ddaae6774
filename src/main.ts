/** The whole program: one command line in, one exit code out. Loaded by entry.ts, or run as it is by Node. */
import { dispatch } from './commands/dispatch.ts';
import { outliveReaders } from './commands/terminal.ts';

outliveReaders([process.stdout, process.stderr]);
void dispatch(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
