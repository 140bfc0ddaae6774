import type { Clock } from '../model/index.ts';
import type { AskPassphrase } from '../transport/index.ts';
import type { Call } from './call.ts';
import type { Trace } from './trace.ts';

/** What the application takes from the process, once, at its edge. */
export interface AppContext {
  /** Where the command was started, after `-C`. */
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly toolVersion: string;
  /** The command as it was typed; told which environment it means, and which of its values are sensitive. */
  readonly call: Call;
  /** Asks a person for the passphrase of a key, once; undefined: nobody can be asked. */
  readonly askPassphrase?: AskPassphrase | undefined;
  /** Lines for DEPLOYCTL_LOG; undefined: nobody reads them. */
  readonly trace?: Trace | undefined;
  /** Tells a person who waits what for: a line for standard error. */
  readonly notice?: (text: string) => void;
}

/** Which configuration, and with which values. */
export interface ConfigurationAsk {
  readonly environment: string | undefined;
  /** `name=value`, in the order given. */
  readonly variables: readonly string[];
  readonly variableFiles: readonly string[];
}
