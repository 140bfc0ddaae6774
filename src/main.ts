/** The whole program: one command line in, one exit code out. Loaded by entry.ts, or run as it is by Node. */
import { Call } from './app/call.ts';
import { bugText } from './commands/diagnostics-text.ts';
import { dispatch } from './commands/dispatch.ts';
import { exitCode } from './commands/exit-code.ts';
import { outliveReaders, processTerminal } from './commands/terminal.ts';

outliveReaders(process.stdout, process.stderr);
void dispatch(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(bugText(error, processTerminal([], new Call(process.argv.slice(2)))));
    process.exitCode = exitCode.error;
  },
);
