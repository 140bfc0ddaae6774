/**
 * What an operating system answers by a name (`ENOENT`), as a clause for a person: "there is no such file". The one list of
 * them. undefined: there are no words for it, and what Node says stands.
 */
const words: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a file stands where its folder should be',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'its file system is read-only',
  ENOSPC: 'no space is left',
  EDQUOT: 'the quota is full',
  ELOOP: 'its symbolic links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
  EIO: 'the disk reports an error',
  EMFILE: 'this process has too many files open',
  ENFILE: 'this machine has too many files open',
  ENOEXEC: 'it is no program',
  ENOMEM: 'no memory is left',
  E2BIG: 'its arguments are too long',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'the other side closed the connection',
  EHOSTUNREACH: 'no route to it',
  EHOSTDOWN: 'no route to it',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'its name cannot be resolved',
  EAI_AGAIN: 'its name cannot be resolved',
  ETIMEDOUT: 'no answer',
  EADDRINUSE: 'something else uses this address',
  EADDRNOTAVAIL: 'this machine does not have this address',
};

/** Words that fit better where it is known what was tried, by the same names. */
export type SystemWords = Readonly<Record<string, string>>;

/** For a failed call of the system; any other error in its own words. Not made safe for a terminal. */
export function systemReason(error: unknown, better: SystemWords = {}): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string') return error.message;
  return better[code] ?? words[code] ?? error.message;
}
