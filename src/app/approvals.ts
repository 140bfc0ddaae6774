/**
 * Approvals of a saved plan: signatures by `ssh-keygen -Y`, each in a file beside the plan's, bound to its digest. What
 * ssh-keygen cannot do here (find a key, read the file of signers) is said in its own words.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Diagnostic, type Plan, type PolicyDeclared, visible } from '../model/index.ts';
import { shellWord } from '../model/shell-word.ts';
import { approvalsNeeded, personOf } from '../planner/policy.ts';
import { AppFailure } from './failure.ts';

/** Keeps a signature for one purpose from being taken for another (ssh-keygen(1), -n). */
const namespace = 'plan@deployctl';

const magic = 'deployctl approval';

export interface Approval {
  /** Who approves, as the file of signers calls the key. */
  readonly principal: string;
  /** `lee@laptop`. */
  readonly by: string;
  /** The file it is kept in. */
  readonly path: string;
}

interface ApprovalFile {
  readonly file: typeof magic;
  readonly format: 1;
  readonly digest: string;
  readonly environment: string;
  readonly by: string;
  readonly at: string;
  readonly signature: string;
}

/** What is signed: everything of the file but the signature. */
const messageOf = ({ digest, environment, by, at }: Omit<ApprovalFile, 'signature'>): string =>
  `${magic} 1\nplan ${digest}\nenvironment ${environment}\nby ${by}\nat ${at}\n`;

export interface ApproveAsk {
  readonly plan: Plan;
  readonly planPath: string;
  /** The private key's file, or the public one's of a key that the agent holds. undefined: the first that may sign. */
  readonly key: string | undefined;
  readonly who: string;
  readonly at: Date;
}

/** Signs the plan and keeps the signature beside it. Throws an `AppFailure` that says why it would not count. */
export async function approvePlan(ask: ApproveAsk): Promise<Approval> {
  const { plan, planPath, who } = ask;
  const signers = signersOf(plan);
  await using folder = temporaryFolder();
  const content = {
    file: magic,
    format: 1,
    digest: plan.digest,
    environment: plan.environment,
    by: who,
    at: ask.at.toISOString(),
  } as const;
  const key = ask.key ?? (await usableKey(signers, folder.path));
  const signature = await sign(key, messageOf(content));
  const kept: ApprovalFile = { ...content, signature };
  const principal = await signerOf(kept, signers, folder.path);
  if ('refused' in principal) throw new AppFailure([doesNotCount(key, principal.refused)]);
  if (isAuthor(plan, principal.principal)) throw new AppFailure([ownPlan(principal.principal)]);
  const name = principal.principal.replaceAll(/[^A-Za-z0-9@._-]/g, '_');
  const path = `${planPath}.${name}.sig`;
  writeFileSync(`${path}.part`, `${JSON.stringify(kept, undefined, 2)}\n`, { mode: 0o644 });
  renameSync(`${path}.part`, path);
  return { principal: principal.principal, by: who, path };
}

/** Throws an `AppFailure` that says what is missing, and why a signature that is there does not count. */
export async function requireApprovals(plan: Plan, planPath: string): Promise<readonly Approval[]> {
  const needed = approvalsNeeded(plan);
  if (needed === 0) return [];
  const signers = signersOf(plan);
  await using folder = temporaryFolder();
  const approvals = new Map<string, Approval>();
  const refused: string[] = [];
  for (const path of signatureFiles(planPath)) {
    const file = readApproval(path);
    const found =
      file === undefined
        ? { refused: 'it is no approval' }
        : file.digest !== plan.digest
          ? { refused: 'it approves another plan' }
          : await signerOf(file, signers, folder.path);
    if ('refused' in found) refused.push(`${basename(path)}: ${found.refused}.`);
    else if (isAuthor(plan, found.principal))
      refused.push(`${basename(path)}: ${found.principal} made the plan.`);
    else approvals.set(found.principal, { principal: found.principal, by: file?.by ?? '', path });
  }
  if (approvals.size >= needed) return [...approvals.values()];
  const have = approvals.size === 0 ? 'none' : [...approvals.keys()].join(', ');
  throw new AppFailure([
    {
      code: 'approvals-missing',
      severity: 'error',
      summary: 'The saved plan is not approved',
      detail: [
        `It needs ${needed} ${needed === 1 ? 'signature' : 'signatures'} of others than ${plan.author ?? 'its author'}, and has ${have}.`,
        ...refused,
        'Nothing was touched.',
      ].join(' '),
      hint: `Whoever stands in ${signers} signs it with:  deployctl approve ${shellWord(planPath)}`,
    },
  ]);
}

/** The user's name, and the same person's name among the signers: `kim@laptop` and `kim@example.com`. */
const isAuthor = ({ author }: Plan, principal: string): boolean =>
  author !== undefined && (principal === author || personOf(principal) === personOf(author));

function signatureFiles(planPath: string): readonly string[] {
  const folder = dirname(planPath);
  const name = basename(planPath);
  return readdirSync(folder)
    .filter((each) => each.startsWith(`${name}.`) && each.endsWith('.sig'))
    .sort()
    .map((each) => join(folder, each));
}

function readApproval(path: string): ApprovalFile | undefined {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<ApprovalFile> | null;
    const { file, format, digest, environment, by, at, signature } = value ?? {};
    const texts = [digest, environment, by, at, signature];
    if (file !== magic || format !== 1 || !texts.every((text) => typeof text === 'string')) return undefined;
    return value as ApprovalFile;
  } catch {
    return undefined;
  }
}

// ── ssh-keygen ───────────────────────────────────────────────────────────────────────────────────────

/** The principal whose key made the signature, if it is good and may sign plans now. */
async function signerOf(
  file: ApprovalFile,
  signers: string,
  folder: string,
): Promise<{ readonly principal: string } | { readonly refused: string }> {
  const signaturePath = join(folder, `${createHash('sha256').update(file.signature).digest('hex')}.sig`);
  writeFileSync(signaturePath, file.signature);
  const found = await sshKeygen(['-Y', 'find-principals', '-s', signaturePath, '-f', signers]);
  if (!found.ok) return { refused: `its key is not among those of ${signers}` };
  let why = 'the signature is not of this plan';
  for (const principal of found.stdout.split('\n').filter((line) => line !== '')) {
    const verified = await sshKeygen(
      ['-Y', 'verify', '-f', signers, '-I', principal, '-n', namespace, '-s', signaturePath],
      messageOf(file),
    );
    if (verified.ok) return { principal };
    why = verified.said;
  }
  return { refused: visible(why) };
}

async function sign(key: string, message: string): Promise<string> {
  const signed = await sshKeygen(['-Y', 'sign', '-f', key, '-n', namespace], message);
  if (signed.ok && signed.stdout.includes('BEGIN SSH SIGNATURE')) return signed.stdout;
  throw new AppFailure([
    {
      code: 'approval-not-signed',
      severity: 'error',
      summary: 'The plan could not be signed',
      detail: `ssh-keygen with the key ${key} says: ${visible(signed.said)}`,
      hint: 'Name another key with --key, or add yours to the agent with ssh-add.',
    },
  ]);
}

const usualKeys = ['id_ed25519', 'id_ecdsa', 'id_ed25519_sk', 'id_ecdsa_sk', 'id_rsa'];

/** The first key of the agent, or else of ~/.ssh, that the file of signers knows. */
async function usableKey(signers: string, folder: string): Promise<string> {
  const known = readFileSync(signers, 'utf8');
  const isKnown = (line: string): boolean => {
    const blob = line.split(/\s+/)[1];
    return blob !== undefined && known.includes(blob);
  };
  const agent = await run('ssh-add', ['-L']);
  const held = (agent.ok ? agent.stdout.split('\n') : []).find(isKnown);
  if (held !== undefined) {
    const path = join(folder, 'agent-key.pub');
    writeFileSync(path, `${held}\n`);
    return path;
  }
  const own = usualKeys
    .map((name) => join(homedir(), '.ssh', name))
    .find((path) => existsSync(`${path}.pub`) && isKnown(readFileSync(`${path}.pub`, 'utf8')));
  if (own !== undefined) return own;
  throw new AppFailure([
    {
      code: 'approval-no-key',
      severity: 'error',
      summary: 'None of your keys may sign plans',
      detail: `Neither the agent nor ~/.ssh has a key that stands in ${signers}.`,
      hint: 'Name the key with --key, or have your public key added to that file.',
    },
  ]);
}

interface Said {
  readonly ok: boolean;
  readonly stdout: string;
  /** What it said for people. */
  readonly said: string;
}

/** ssh-keygen asks for a passphrase, and for a touch, on the terminal itself. */
const sshKeygen = (args: readonly string[], input?: string): Promise<Said> => run('ssh-keygen', args, input);

const longestMs = 120_000;

async function run(program: string, args: readonly string[], input = ''): Promise<Said> {
  const running = promisify(execFile)(program, args, { timeout: longestMs, maxBuffer: 1 << 20 });
  running.child.stdin?.on('error', () => {
    // It ended without reading: its exit code tells more.
  });
  running.child.stdin?.end(input);
  try {
    const { stdout } = await running;
    return { ok: true, stdout, said: '' };
  } catch (error) {
    const failed = error as { readonly code?: unknown; readonly stderr?: string; readonly message: string };
    if (failed.code === 'ENOENT' && program === 'ssh-keygen') throw new AppFailure([noSshKeygen]);
    const said = failed.stderr?.trim();
    return { ok: false, stdout: '', said: said === undefined || said === '' ? failed.message : said };
  }
}

function temporaryFolder(): { readonly path: string } & AsyncDisposable {
  const path = mkdtempSync(join(tmpdir(), 'deployctl-approval-'));
  return { path, [Symbol.asyncDispose]: async () => rmSync(path, { recursive: true, force: true }) };
}

// ── what is said ─────────────────────────────────────────────────────────────────────────────────────

/** The file that says whose signatures count. */
function signersOf(plan: Plan): string {
  const path = plan.declared.policy.allowedSigners;
  if (path === undefined || approvalsNeeded(plan) === 0) throw new AppFailure([notNeeded(plan)]);
  const missing = checkSigners(plan.declared.policy);
  if (missing !== undefined) throw new AppFailure([missing]);
  return path;
}

/** Why nobody could approve a plan; undefined: somebody can, or nobody needs to. */
export function checkSigners({ allowedSigners, origin }: PolicyDeclared): Diagnostic | undefined {
  if (allowedSigners === undefined || existsSync(allowedSigners)) return undefined;
  return { ...noSigners(allowedSigners), ...(origin === undefined ? {} : { subject: origin }) };
}

const notNeeded = ({ environment, intent }: Plan): Diagnostic => ({
  code: 'approval-not-needed',
  severity: 'error',
  summary: 'The plan needs no approval',
  detail:
    intent.kind === 'revert'
      ? 'A way back is never held up by signatures.'
      : `The policy of ${environment} asks for none, or the plan has no steps.`,
});

const noSigners = (path: string): Diagnostic => ({
  code: 'allowed-signers-missing',
  severity: 'error',
  summary: 'The file of allowed signers is missing',
  detail: `${path} is not there, so no signature can count.`,
  hint: 'Write one line for each person: the name, then the public key, as in\n    lee@example.com ssh-ed25519 AAAA...\n(ALLOWED SIGNERS in ssh-keygen(1).)',
});

const ownPlan = (author: string): Diagnostic => ({
  code: 'approval-by-author',
  severity: 'error',
  summary: 'Nobody approves a plan of their own',
  detail: `${author} made this plan. Nothing was signed.`,
  hint: 'Give the file to somebody else.',
});

const doesNotCount = (key: string, why: string): Diagnostic => ({
  code: 'approval-does-not-count',
  severity: 'error',
  summary: 'The signature would not count',
  detail: `It was made with ${key}, and ${why}. It was not kept.`,
  hint: 'Name another key with --key.',
});

const noSshKeygen: Diagnostic = {
  code: 'ssh-keygen-missing',
  severity: 'error',
  summary: 'ssh-keygen is not installed',
  detail: 'Approvals are signed and checked by ssh-keygen, and it is not on the PATH.',
  hint: 'Install the OpenSSH client.',
};
