/** How systemd says that a process ended, in our words. Pure. */

/** systemd.exec(5), "Process Exit Codes": what systemd itself could not do before the command began. */
const beforeTheCommand: Readonly<Record<string, string>> = {
  200: 'its folder cannot be entered',
  202: 'its output cannot be connected',
  203: 'its command cannot be executed: it is missing, or not executable',
  216: 'its group is unknown',
  217: 'its user is unknown',
};

/** `result` and `status` are the properties Result and ExecMainStatus of a unit; a clause. */
export function systemdEnding(result: string, status: string): string {
  switch (result) {
    case 'exit-code': {
      const reason = beforeTheCommand[status];
      return reason === undefined ? `it ended with code ${status}` : `${reason} (systemd: ${status})`;
    }
    case 'signal':
      return `it was ended by signal ${status}`;
    case 'core-dump':
      return `it crashed with signal ${status}`;
    case 'oom-kill':
      return 'the kernel ended it because memory was short';
    case 'timeout':
      return 'it did not do in time what systemd asked of it';
    case 'start-limit-hit':
      return 'it failed so often that systemd starts it no more';
    case 'success':
      return 'it ended by itself, without a failure';
    default:
      return result === '' ? 'systemd does not know it' : `systemd says ${result}`;
  }
}
