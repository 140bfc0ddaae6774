/**
 * How the rest of the program reaches a host: one interface, whether over ssh2, the ssh program, or on this machine.
 * Only this folder opens sockets and starts remote programs.
 */
import type { Duplex } from 'node:stream';

export interface Execution {
  /** Exit code; undefined: ended by a signal or by the connection. */
  readonly code: number | undefined;
  readonly signal: string | undefined;
  /** Raw bytes as UTF-8 (invalid bytes replaced), cut at `maxOutputBytes`; hostile until it went through the escaper. */
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecuteOptions {
  /** The whole time it may take, in ms. Required: nothing remote may last for ever. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Sent to its standard input, then end of file. */
  readonly input?: string | Uint8Array;
  /** Whether to run it with the rights of root (`become`). */
  readonly privileged?: boolean;
  /** Called for each chunk as it arrives, beside the collected result. */
  readonly onOutput?: (stream: 'stdout' | 'stderr', chunk: string) => void;
  /**
   * The script is short, reads no input and leaves nothing running: it may be run by a shell that others of the kind were
   * run by, one after the other, each in a subshell.
   */
  readonly mayShareShell?: boolean;
  /** Default 1 MiB for each stream; more than that is dropped, and the command goes on. */
  readonly maxOutputBytes?: number;
}

export interface HostChannel {
  readonly host: string;
  /** It is this machine. */
  readonly isHere?: true;
  /**
   * A connection from there costs less than a program that is started there: it is this machine, or its SSH server connects
   * for us and is not far. Found out while it is used, so it may change; undefined: it is not.
   */
  readonly isNear?: boolean;
  /**
   * Runs a POSIX sh script, sent on standard input's place so that no value ever stands in an argument list.
   * `values` become shell variables of these names, quoted in one place. Throws a `ProviderFailure`: `effect: 'none'`
   * if nothing was sent, `'maybe'` if the connection broke or the time was over while it ran. A non-zero exit code is
   * a result, not an error.
   */
  script(text: string, values: Readonly<Record<string, string>>, options: ExecuteOptions): Promise<Execution>;
  /** Streams bytes into the script's standard input: for uploads. `onSent` counts bytes. */
  stream(
    text: string,
    values: Readonly<Record<string, string>>,
    bytes: AsyncIterable<Uint8Array>,
    options: ExecuteOptions & { readonly onSent?: (bytes: number) => void },
  ): Promise<Execution>;
  /** A connection made from that host: to an address as it sees it, or to one of its unix sockets. */
  dial(
    target: { readonly address: string; readonly port: number } | { readonly path: string },
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Duplex>;
}

/** One connection for each host, opened when it is first asked for and kept until the end of the run. */
export interface HostChannels extends AsyncDisposable {
  /** Throws a `ProviderFailure` with `effect: 'none'`: unknown or changed host key, no answer, refused, unknown name. */
  to(host: string, signal?: AbortSignal): Promise<HostChannel>;
}
