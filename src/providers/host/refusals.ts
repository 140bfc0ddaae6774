/** What a host's script said no to, or what its tools said, in words with a next step. */
import type { HostDeclared, ProviderFailure } from '../../model/index.ts';
import { visible, visibleLines } from '../../model/index.ts';
import { type Execution, excerpt, hostFailure, type Wording } from '../../transport/index.ts';
import { refusedCode } from './shell.ts';

export interface Refusal {
  readonly code: string;
  readonly text: string;
}

/** The last line of a script that refused; undefined for any other end. */
export function refusalOf(result: Execution): Refusal | undefined {
  if (result.code !== refusedCode) return undefined;
  const line = result.stdout.trimEnd().split('\n').at(-1) ?? '';
  const match = /^refused (\S+) (.*)$/s.exec(line);
  return match === null
    ? undefined
    : { code: match[1] ?? '', text: (match[2] ?? '').replaceAll('\u001e', '\n').trimEnd() };
}

/** What the script was for, for the words of a failure. */
export interface Purpose {
  /** A clause: "install 2.0.0-9f86d081 in /srv/shop". */
  readonly doing: string;
  readonly root: string;
}

/**
 * The standard output of a script that ended well. Throws for every other end. A refusal comes before the script has
 * changed anything unless `wording` says otherwise.
 */
export function succeeded(
  host: HostDeclared,
  result: Execution,
  purpose: Purpose,
  wording: (refusal: Refusal) => (Wording & { readonly effect?: 'none' | 'maybe' }) | undefined = () =>
    undefined,
): string {
  if (result.code === 0) return result.stdout;
  const refusal = refusalOf(result);
  if (refusal !== undefined) {
    const special = wording(refusal);
    const { effect = 'none', ...own } = special ?? {
      ...commonWording(host, refusal, purpose),
      effect: 'none',
    };
    throw hostFailure(host, effect, own);
  }
  throw surprise(host, result, purpose);
}

/** Refusals that every script can give. */
export function commonWording(
  host: HostDeclared,
  { code, text }: Refusal,
  { doing, root }: Purpose,
): Wording {
  const said = excerpt(text);
  switch (code) {
    case 'fence-newer':
      return {
        code,
        summary: 'A newer run was here',
        detail: `${host.name} has already seen run ${said} of this environment below ${root}, so this older run may not ${doing}.`,
        hint: 'Somebody went on with this environment. Plan again.',
      };
    case 'disk-full':
      return {
        code,
        summary: 'Disk of the host is full',
        detail: `${host.name} has no room to ${doing}${said === '' ? '' : `: ${said}`}. What was begun was removed.`,
        hint: `Make room on the file system of ${root}, then go on with the run, or plan again.`,
      };
    case 'host-permission':
      return {
        code,
        summary: 'No right to do this on the host',
        detail: `The login user of ${host.name} may not ${doing}: ${said}.`,
        hint: `Set become = "sudo" in its ssh block, or give the login user the folder: chown it to that user.`,
      };
    case 'user-unknown':
      return {
        code,
        summary: 'User does not exist on the host',
        detail: `${host.name} has no user ${said}, so it cannot ${doing}.`,
        hint: 'Create the user on the host, or correct user or owner in the configuration.',
      };
    case 'user-switch-refused':
      return {
        code,
        summary: 'No right to run as another user',
        detail: `${said} on ${host.name} cannot become another user to ${doing}.`,
        hint: 'Set become = "sudo" in the ssh block of the host, or leave user and owner out.',
      };
    case 'host-tool-missing':
      return {
        code,
        summary: 'A tool is missing on the host',
        detail: `${host.name} has no ${said}, which is needed to ${doing}.`,
        hint: 'Install it on the host with its package manager.',
      };
    default:
      return (
        fromTools(host, text, { doing, root }) ?? {
          code: 'host-command-failed',
          summary: 'Command failed on the host',
          detail: `${host.name} could not ${doing}: ${said === '' ? code : said}.`,
        }
      );
  }
}

/** Messages of coreutils in the C locale. */
function fromTools(host: HostDeclared, text: string, purpose: Purpose): Wording | undefined {
  // GNU tar and busybox tell a full disk by what they could not write; dash's printf calls every failed write so.
  const isFull =
    /No space left on device|Disk quota exceeded|Wrote only \d+ of \d+ bytes|short write|printf: I\/O error/i;
  if (isFull.test(text)) {
    return commonWording(host, { code: 'disk-full', text }, purpose);
  }
  if (/Permission denied|Operation not permitted|Read-only file system/i.test(text)) {
    return commonWording(host, { code: 'host-permission', text }, purpose);
  }
  return undefined;
}

function surprise(host: HostDeclared, result: Execution, purpose: Purpose): ProviderFailure {
  const said = excerpt(result.stderr === '' ? result.stdout : result.stderr);
  const how =
    result.code === undefined ? `by signal ${visible(result.signal ?? '?')}` : `with ${result.code}`;
  const wording = fromTools(host, result.stderr, purpose) ?? {
    code: 'host-command-failed',
    summary: 'Command failed on the host',
    detail: `${host.name} could not ${purpose.doing}: the script ended ${how}${said === '' ? '' : `: ${said}`}.`,
  };
  return hostFailure(host, 'maybe', wording);
}

/** The last lines of a log, indented for the detail of a diagnostic; nothing for an empty log. */
export function logExcerpt(title: string, text: string, lines = 12): string {
  const last = visibleLines(text).slice(-lines);
  return last.length === 0 ? '' : `\n${title}\n${last.map((line) => `  ${line.slice(0, 300)}`).join('\n')}`;
}
