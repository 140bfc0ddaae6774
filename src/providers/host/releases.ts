/** `release.put`, `release.remove`, `release.prune` and `slot.link`. */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { ArtifactDeclared, Context, Operation, Place } from '../../model/index.ts';
import { ProviderFailure, visible } from '../../model/index.ts';
import { excerpt, hostFailure, Limit } from '../../transport/index.ts';
import { isGzipped } from './artifact.ts';
import { ArtifactBytes, ArtifactChanged } from './artifact-bytes.ts';
import type { SeenRoot } from './probe-parse.ts';
import type { ProbeRoot } from './probe-render.ts';
import { type Refusal, succeeded } from './refusals.ts';
import { beginPut, finishPut, removeReleases, setLink } from './release-scripts.ts';
import { type HostSession, seenAfterwards, thenLook } from './session.ts';

type PutOperation = Extract<Operation, { op: 'release.put' }>;
type LinkOperation = Extract<Operation, { op: 'slot.link' }>;

/** Transfers at once, over all hosts: 10 to 20 fill any uplink, more only take memory. */
const transfersAtOnce = 16;
const shortMs = 60_000;
/** Besides the transfer: unpacking and flushing to a slow disk. */
const unpackMs = 10 * 60_000;
/** The slowest link that we wait for. */
const slowestBytesPerSecond = 64 * 1024;

/** A try that brought less than this is no reason for another. */
const worthwhileBytes = 1024 * 1024;
const reconnectMs = 1_000;

interface Transfer {
  /** Bytes that were on the host when it began, and that were handed to the connection since. */
  had: number;
  sent: number;
}

/** Values that every script that changes something wants. */
export const fenceValues = (place: Place, cx: Context): Record<string, string> => ({
  root: place.install.root,
  lineage: cx.fence.lineage.replaceAll(/\s/g, '_'),
  run: String(cx.fence.run),
});

/** Each change gives what a look right after it has seen at the root that `look` names; undefined: there was none. */
export class Releases {
  readonly #bytes: ArtifactBytes;
  readonly #transfers = new Limit(transfersAtOnce);

  /** `cache`: the folder where fetched URLs lie by their digest, where there is one. */
  constructor(cache: string | undefined) {
    this.#bytes = new ArtifactBytes(cache);
  }

  /**
   * Brings the artifact, whole or not at all; nothing is sent to a host that has it. A transfer that breaks goes on where
   * it stopped, here as long as each try brings it further, and otherwise when it is asked for again.
   */
  async put(
    session: HostSession,
    operation: PutOperation,
    look: ProbeRoot,
    cx: Context,
  ): Promise<SeenRoot | undefined> {
    const leave = await this.#transfers.take(cx.signal);
    try {
      let broken: ProviderFailure | undefined;
      for (let before = 0; ; ) {
        const transfer: Transfer = { had: 0, sent: 0 };
        try {
          return await this.#transfer(session, operation, transfer, look, cx);
        } catch (error) {
          const reached = transfer.had + transfer.sent;
          if (transfer.had > 0 && isOtherContent(error)) {
            // What was there before was not of this content, and is removed now.
            before = 0;
            continue;
          }
          const goesOn = isBroken(error) && reached >= before + worthwhileBytes && !cx.signal.aborted;
          // A host that cannot be reached any more says that nothing was sent; before, something was.
          if (!goesOn) throw hasNoEffect(error) ? (broken ?? error) : error;
          broken = error;
          before = reached;
          await cx.clock.sleep(reconnectMs, cx.signal);
        }
      }
    } catch (error) {
      if (error instanceof ArtifactChanged) throw artifactChanged(session, error);
      throw error;
    } finally {
      leave();
    }
  }

  async #transfer(
    session: HostSession,
    operation: PutOperation,
    transfer: Transfer,
    look: ProbeRoot,
    cx: Context,
  ): Promise<SeenRoot | undefined> {
    const { place, directory, artifact } = operation;
    const host = session.declared;
    const purpose = { doing: `install ${directory}`, root: place.install.root };
    const bytes = sizeOf(artifact);
    const values = {
      ...fenceValues(place, cx),
      directory,
      sha256: artifact.sha256,
      bytes: String(bytes),
      owner: place.install.owner ?? '',
      token: randomBytes(6).toString('hex'),
    };
    const options = { signal: cx.signal, privileged: true };
    const wording = (refusal: Refusal) => putRefusal(host.name, operation, refusal);
    const begun = await session.channel.script(beginPut, values, { ...options, timeoutMs: shortMs });
    const [answer, had = '0'] = succeeded(host, begun, purpose, wording).trim().split(' ');
    if (answer === 'there') return undefined;
    transfer.had = Number(had);

    // Before the host waits for bytes: where they have changed, nothing has begun there.
    await using content = await this.#bytes.open(artifact);
    const progress = progressOf(bytes, cx);
    progress(transfer.had);
    const finished = await session.channel.stream(
      thenLook(finishPut, look),
      {
        ...values,
        had,
        checksum: transfer.had === 0 ? (content.checksum ?? '') : '',
        kind: transferKind(artifact),
        file_name: artifact.fileName,
        executable: await this.#isExecutable(artifact),
      },
      content.from(transfer.had),
      {
        ...options,
        timeoutMs: unpackMs + Math.ceil((bytes / slowestBytesPerSecond) * 1000),
        onSent: (sent) => {
          transfer.sent += sent;
          progress(transfer.had + transfer.sent);
        },
      },
    );
    succeeded(host, finished, purpose, wording);
    return seenAfterwards(finished, look);
  }

  /** A file keeps its right to be executed; a URL says nothing of it, so a file that came from one gets it. */
  async #isExecutable(artifact: ArtifactDeclared): Promise<'yes' | 'no'> {
    if (artifact.kind !== 'file') return 'no';
    if (artifact.fromUrl === true) return 'yes';
    const found = await stat(artifact.path).catch(() => undefined);
    return found !== undefined && (found.mode & 0o100) !== 0 ? 'yes' : 'no';
  }

  /** Removes whole releases that nothing uses. Those that are already gone are fine. */
  async remove(
    session: HostSession,
    place: Place,
    directories: readonly string[],
    look: ProbeRoot,
    cx: Context,
  ): Promise<SeenRoot | undefined> {
    const host = session.declared;
    const result = await session.channel.script(
      thenLook(removeReleases, look),
      { ...fenceValues(place, cx), directories: directories.join('\n') },
      { timeoutMs: unpackMs, signal: cx.signal, privileged: true },
    );
    const purpose = { doing: `remove ${directories.join(', ')}`, root: place.install.root };
    succeeded(host, result, purpose, ({ code, text }) =>
      code === 'release-in-use'
        ? {
            code,
            summary: 'Release is in use',
            detail: `${visible(text)} below ${place.install.root} of ${host.name} is what a slot points to or a process runs from, so it was not removed.`,
            hint: 'Plan again.',
            effect: 'maybe',
          }
        : undefined,
    );
    return seenAfterwards(result, look);
  }

  /** Points the slot's symlink from one release to another, in one step, if it is where the plan saw it. */
  async link(
    session: HostSession,
    operation: LinkOperation,
    look: ProbeRoot,
    cx: Context,
  ): Promise<SeenRoot | undefined> {
    const { place, slot, from, to } = operation;
    const host = session.declared;
    const link = `${place.install.root}/${slot}`;
    const result = await session.channel.script(
      thenLook(setLink, look),
      { ...fenceValues(place, cx), slot, from: from ?? '', to: to ?? '' },
      { timeoutMs: shortMs, signal: cx.signal, privileged: true },
    );
    const purpose = { doing: `point ${link} to ${to ?? 'nothing'}`, root: place.install.root };
    succeeded(host, result, purpose, ({ code, text }) => {
      switch (code) {
        case 'elsewhere':
          return {
            code: 'slot-changed-elsewhere',
            summary: 'Symlink was changed by someone else',
            detail: `${link} on ${host.name} points to ${text === '' ? 'nothing' : visible(text)} now; the plan saw ${from ?? 'nothing'}. It was left as it is.`,
            hint: 'Plan again.',
          };
        case 'slot-obstructed':
          return {
            code,
            summary: 'Something stands in the place of a symlink',
            detail: `${link} on ${host.name} is not a symlink. deployctl removes nothing that it did not make.`,
            hint: `Look at it, then move it away: mv ${link} ${link}.before`,
          };
        case 'release-missing':
          return {
            code,
            summary: 'Release is not installed',
            detail: `${host.name} has no whole release ${visible(text)} below ${place.install.root}.`,
            hint: 'Plan again: it will be installed first.',
          };
        default:
          return undefined;
      }
    });
    return seenAfterwards(result, look);
  }
}

/** How the host unpacks it. A folder travels as the tar archive that its digest was made of. */
function transferKind(artifact: ArtifactDeclared): 'file' | 'tar' | 'tar.gz' {
  if (artifact.kind === 'file') return 'file';
  return artifact.kind === 'archive' && isGzipped(artifact.fileName) ? 'tar.gz' : 'tar';
}

/** Between a plan and its steps, what is sent was fetched. */
function sizeOf({ bytes, path }: ArtifactDeclared): number {
  if (bytes === null) throw new ArtifactChanged(`${path} was planned without being fetched`);
  return bytes;
}

/** The connection went away under it, and how far it came is on the host. */
const isBroken = (error: unknown): error is ProviderFailure =>
  error instanceof ProviderFailure &&
  ['host-connection-lost', 'upload-cut', 'upload-overtaken'].includes(error.diagnostic.code);

const isOtherContent = (error: unknown): boolean =>
  error instanceof ProviderFailure && error.diagnostic.code === 'artifact-digest-mismatch';

const hasNoEffect = (error: unknown): boolean => error instanceof ProviderFailure && error.effect === 'none';

/** A hundred steps are enough for an eye, and for a log of a hundred hosts. */
function progressOf(bytes: number, cx: Context): (done: number) => void {
  let told = 0;
  return (done) => {
    if (done === 0 || (done - told < bytes / 100 && done < bytes)) return;
    told = done;
    cx.report({
      type: 'step_progress',
      step: cx.step,
      done,
      total: Math.max(bytes, done),
      unit: 'bytes',
      text: `${megabytes(done)} of ${megabytes(bytes)}`,
    });
  };
}

function putRefusal(host: string, operation: PutOperation, { code, text }: Refusal) {
  const { place, directory, artifact } = operation;
  switch (code) {
    case 'artifact-digest-mismatch':
      return {
        code,
        summary: 'Artifact arrived with another content',
        detail: `What ${host} received has the SHA-256 ${visible(text)}, but ${artifact.fileName} has ${artifact.sha256}. It was removed there; ${directory} is not installed.`,
        hint: 'Resume the run: it is sent again. If it happens again, look at the memory and the disk of the host.',
      };
    case 'upload-cut':
    case 'upload-overtaken':
      return {
        code,
        summary: 'Upload broke off',
        detail: `${host} has ${megabytes(Number(text))} of ${artifact.fileName}; the rest did not arrive. ${directory} is not installed.`,
        hint: 'Resume the run: it goes on from there.',
      };
    case 'release-differs':
      return {
        code,
        summary: 'Another content is installed under this name',
        detail: `${place.install.root}/releases/${directory} on ${host} was installed from the SHA-256 ${visible(text)}, not ${artifact.sha256}.`,
        hint: 'Give the release another version.',
      };
    default:
      return undefined;
  }
}

const artifactChanged = (session: HostSession, error: ArtifactChanged): ProviderFailure =>
  hostFailure(
    session.declared,
    'none',
    {
      code: 'artifact-changed',
      summary: 'Artifact has changed since the plan',
      detail: `${excerpt(error.message, 1000)}. Nothing was installed on ${session.declared.name}.`,
      hint: 'Plan again.',
    },
    error,
  );

const megabytes = (bytes: number): string =>
  bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
