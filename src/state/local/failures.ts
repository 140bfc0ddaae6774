/** Every way in which the local state can refuse, in words that say what to do. */
import { type Diagnostic, type RunNumber, StateFailure } from '../../model/index.ts';

const error = (code: string, summary: string, detail: string, hint: string): Diagnostic => ({
  code,
  severity: 'error',
  summary,
  detail,
  hint,
});

export const corrupted = (file: string, what: string, cause?: unknown): StateFailure =>
  new StateFailure(
    error(
      'state-corrupted',
      'The recorded state is damaged',
      `${file}: ${what}. Something other than deployctl changed the file, or the disk returned other bytes than were written. Nothing was changed by this command.`,
      `Put back a copy of the folder from a backup. Without one, move ${file} aside and plan again: deployctl looks at the hosts and the load balancers themselves; what is lost is the history, and with it the deployments to revert to.`,
    ),
    cause,
  );

export const newerFormat = (file: string, found: number, known: number): StateFailure =>
  new StateFailure(
    error(
      'state-newer',
      'The recorded state was written by a newer deployctl',
      `${file} has format ${found}; this deployctl knows formats up to ${known}. The file was not touched.`,
      'Use the deployctl that wrote it, or a newer one.',
    ),
  );

export const notAState = (file: string): StateFailure =>
  new StateFailure(
    error(
      'state-not-ours',
      'This file is not a deployctl state',
      `${file} exists, but deployctl did not make it. The file was not touched.`,
      'Move it away, or give the state another folder: state "local" { path = ... }.',
    ),
  );

export const diskFull = (folder: string, cause?: unknown): StateFailure =>
  new StateFailure(
    error(
      'state-disk-full',
      'No space is left for the recorded state',
      `${folder}: the disk (or the quota) is full, so the next step could not be recorded, and was not begun. All that was recorded before is whole.`,
      'Free some space. If a run was in progress, go on with:  deployctl apply ENV --resume',
    ),
    cause,
  );

export const writeFailed = (file: string, cause: unknown): StateFailure =>
  new StateFailure(
    error(
      'state-write-failed',
      'The recorded state could not be written',
      `${file}: ${cause instanceof Error ? cause.message : String(cause)}.`,
      'Check that the disk is healthy and that the folder is writable for you. If a run was in progress, go on with:  deployctl apply ENV --resume',
    ),
    cause,
  );

export const unreadable = (file: string, cause: unknown): StateFailure =>
  new StateFailure(
    error(
      'state-unreadable',
      'The recorded state could not be opened',
      `${file}: ${cause instanceof Error ? cause.message : String(cause)}.`,
      'Check who owns the file and the folder, and their modes (0600 and 0700).',
    ),
    cause,
  );

export const busy = (file: string, cause: unknown): StateFailure =>
  new StateFailure(
    error(
      'state-busy',
      'The recorded state is in use',
      `${file}: another process kept it locked for 5 seconds.`,
      'Try again. If it stays so, see who has it open: fuser -v on that file.',
    ),
    cause,
  );

export const networkFileSystem = (folder: string, kind: string): StateFailure =>
  new StateFailure(
    error(
      'state-network-filesystem',
      'The state cannot live on a network file system',
      `${folder} is on ${kind}, which does not keep the promises of file locks and of fsync that the lock and the journal stand on.`,
      'Give the state a folder on a local disk: state "local" { path = ... }.',
    ),
  );

export const symbolicLink = (path: string): StateFailure =>
  new StateFailure(
    error(
      'state-path-is-link',
      'A symbolic link stands where the state should be',
      `${path} is a symbolic link, and deployctl does not write through it: who can change the link could make it overwrite any file of yours.`,
      'Replace the link by the folder or file it points to, or give the state the real path: state "local" { path = ... }.',
    ),
  );

export const notAFolder = (path: string): StateFailure =>
  new StateFailure(
    error(
      'state-path-not-folder',
      'The path of the state is not a folder',
      `${path} exists and is not a folder.`,
      'Give the state another path: state "local" { path = ... }.',
    ),
  );

export const otherLineage = (plan: string, state: string): StateFailure =>
  new StateFailure(
    error(
      'plan-other-lineage',
      'The plan was made for another state',
      plan === ''
        ? `The plan was made when there was no recorded state; since then one was begun (lineage ${state}), perhaps by this very plan.`
        : `The plan has lineage ${plan}, and the recorded state has lineage ${state}.`,
      'Plan again, and apply the new plan.',
    ),
  );

export const unfinishedRun = (run: RunNumber): StateFailure =>
  new StateFailure(
    error(
      'run-unfinished',
      'An earlier run is not finished',
      `Run ${run} stopped part-way. Until it is settled, nothing else can start, because nobody could say what a new plan stands on.`,
      'Go on with it:  deployctl apply ENV --resume\nOr undo what it did:  deployctl abort ENV',
    ),
  );

export const noSuchRun = (run: RunNumber): StateFailure =>
  new StateFailure(
    error(
      'run-unknown',
      'There is no such run',
      `The recorded state has no run ${run}.`,
      'See which there are:  deployctl history ENV',
    ),
  );

export const settledRun = (run: RunNumber): StateFailure =>
  new StateFailure(
    error(
      'run-settled',
      'The run has already ended',
      `Run ${run} has ended, and what it recorded cannot be added to.`,
      'Plan again:  deployctl plan ENV',
    ),
  );
