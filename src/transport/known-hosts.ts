/**
 * Strict host keys: what OpenSSH's known_hosts files say about a name and a key. Pure: files come in as text.
 *
 * A line of a literal name is read when that host is asked for: to read all 4,000 of a file took as long as three set-ups.
 * Lines are indexed by their key, so that a file of hashed names costs one HMAC for each line with the very same key
 * and not one for each line of the file (a thousand hosts against a thousand hashed lines took 3 to 14 seconds).
 * Format: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
 */
import { createHash, createHmac } from 'node:crypto';

export interface KnownHostsFile {
  /** As a person would name it. */
  readonly path: string;
  readonly text: string;
}

export interface KnownKey {
  readonly type: string;
  /** `SHA256:...`, as ssh-keygen prints it. */
  readonly fingerprint: string;
  readonly file: string;
  readonly line: number;
}

export type HostKeyVerdict =
  | { readonly verdict: 'known' }
  /** No line names this host. */
  | { readonly verdict: 'unknown'; readonly offered: string }
  /** The host is known by other keys. */
  | { readonly verdict: 'changed'; readonly offered: string; readonly known: readonly KnownKey[] }
  /** This key is marked as stolen or given up. */
  | { readonly verdict: 'revoked'; readonly offered: string; readonly by: KnownKey }
  /** Only a certificate authority vouches for this host, and ssh2 does not read host certificates. */
  | { readonly verdict: 'certificate_authority'; readonly offered: string; readonly by: KnownKey };

interface Line {
  readonly marker: 'none' | 'revoked' | 'cert-authority';
  readonly names: string;
  readonly type: string;
  readonly key: string;
  readonly file: string;
  readonly line: number;
}

/** `SHA256:` and the unpadded base64 of the key's digest. */
export const fingerprintOf = (key: Uint8Array): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** The type that a public key names in its own first field. */
export function keyTypeOf(key: Buffer): string {
  if (key.length < 4) return 'unknown';
  const length = key.readUInt32BE(0);
  return length > 64 || key.length < 4 + length ? 'unknown' : key.toString('latin1', 4, 4 + length);
}

/** The name that known_hosts uses: bare on port 22, `[name]:port` elsewhere. */
export const knownHostsName = (address: string, port: number): string =>
  port === 22 ? address.toLowerCase() : `[${address.toLowerCase()}]:${port}`;

export class KnownHosts {
  /** Where the lines begin whose names are all literal, by each name. They are read when somebody asks for that name. */
  readonly #byName = new Map<string, Place[]>();
  /** Hashed names, patterns and markers by their key: looked through only for that very key. */
  readonly #byKey = new Map<string, Line[]>();
  /** The same, to be looked through one by one where a key is not known: it costs an HMAC for each hashed line. */
  readonly #others: Line[] = [];

  constructor(files: readonly KnownHostsFile[]) {
    for (const file of files) {
      const { text } = file;
      for (let start = 0, line = 1; start < text.length; line += 1) {
        this.#add({ file, start, line });
        const end = text.indexOf('\n', start);
        if (end < 0) break;
        start = end + 1;
      }
    }
  }

  #add(place: Place): void {
    const { text } = place.file;
    const name = text.slice(place.start, text.indexOf(' ', place.start));
    // One name as it is nearly always written.
    if (/^[a-z\d_.:[\]-]+$/.test(name)) {
      append(this.#byName, name, place);
      return;
    }
    const line = readLine(place);
    if (line === undefined) return;
    if (line.marker === 'none' && !/[|*?!]/.test(line.names)) {
      for (const each of line.names.split(',')) append(this.#byName, each.toLowerCase(), place);
      return;
    }
    append(this.#byKey, line.key, line);
    this.#others.push(line);
  }

  #named(name: string): readonly Line[] {
    return (this.#byName.get(name) ?? []).flatMap((place) => {
      if (!('read' in place)) place.read = readLine(place);
      return place.read ?? [];
    });
  }

  /**
   * The key types a host is known by, so that they are asked for first: a host known by its RSA key must not look
   * changed because it has an Ed25519 key as well. Hashed lines are left out here (each costs an HMAC);
   * {@link verify} finds them when the offered key is not known.
   */
  typesOf(address: string, port: number): readonly string[] {
    const name = knownHostsName(address, port);
    const patterns = this.#others.filter(
      (line) => line.marker === 'none' && !line.names.startsWith('|') && namesMatch(line.names, name),
    );
    return [...new Set([...this.#named(name), ...patterns].map((line) => line.type))];
  }

  /** What the files say about this key of this host. `key` is the public key as it stands on the wire. */
  verify(address: string, port: number, key: Buffer): HostKeyVerdict {
    const name = knownHostsName(address, port);
    const blob = key.toString('base64');
    const sameKey = this.#byKey.get(blob) ?? [];

    const revoked = sameKey.find((line) => line.marker === 'revoked' && namesMatch(line.names, name));
    if (revoked !== undefined)
      return { verdict: 'revoked', offered: fingerprintOf(key), by: asKnownKey(revoked) };

    // As ssh does: a key that is known for the bare name is good on every port of that name.
    for (const each of new Set([name, address.toLowerCase()])) {
      if (this.#named(each).some((line) => line.key === blob)) return { verdict: 'known' };
      const vouches = (line: Line): boolean => line.marker === 'none' && namesMatch(line.names, each);
      if (sameKey.some(vouches)) return { verdict: 'known' };
    }

    const offered = fingerprintOf(key);
    const known = [
      ...this.#named(name),
      ...this.#others.filter((line) => line.marker === 'none' && namesMatch(line.names, name)),
    ];
    if (known.length > 0) return { verdict: 'changed', offered, known: known.map(asKnownKey) };

    const authority = this.#others.find(
      (line) => line.marker === 'cert-authority' && namesMatch(line.names, name),
    );
    return authority === undefined
      ? { verdict: 'unknown', offered }
      : { verdict: 'certificate_authority', offered, by: asKnownKey(authority) };
  }
}

/** Where a line begins: most lines of a long file are of hosts that nobody asks for. */
interface Place {
  readonly file: KnownHostsFile;
  readonly start: number;
  readonly line: number;
  /** What it says: read once, though a host is asked for twice. */
  read?: Line | undefined;
}

/** Undefined: unknown markers, comments and lines without a key vouch for nobody. */
function readLine({ file, start, line }: Place): Line | undefined {
  const end = file.text.indexOf('\n', start);
  const fields = file.text
    .slice(start, end < 0 ? undefined : end)
    .trim()
    .split(/[ \t]+/);
  let marker: Line['marker'] = 'none';
  if (fields[0] === '@revoked' || fields[0] === '@cert-authority') {
    marker = fields[0] === '@revoked' ? 'revoked' : 'cert-authority';
    fields.shift();
  }
  const [names, type, key] = fields;
  if (names === undefined || type === undefined || key === undefined) return undefined;
  if (names === '' || names.startsWith('#') || names.startsWith('@')) return undefined;
  return { marker, names, type, key: normalizeKey(key), file: file.path, line };
}

/** Base64 has several spellings of the same bytes (padding); the index needs one. */
const normalizeKey = (key: string): string => Buffer.from(key, 'base64').toString('base64');

/** Whether the first field of a line names this host: hashed, or a list of patterns in which a `!` one forbids. */
function namesMatch(names: string, name: string): boolean {
  if (names.startsWith('|')) return hashedMatch(names, name);
  let matched = false;
  for (const raw of names.split(',')) {
    const forbids = raw.startsWith('!');
    const pattern = (forbids ? raw.slice(1) : raw).toLowerCase();
    if (!patternMatch(pattern, name)) continue;
    if (forbids) return false;
    matched = true;
  }
  return matched;
}

/** `|1|salt|hash`: HMAC-SHA1 of the name. */
function hashedMatch(names: string, name: string): boolean {
  const [, version, salt, hash] = names.split('|');
  if (version !== '1' || salt === undefined || hash === undefined) return false;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

/** `*` and `?`, nothing else. Without a regular expression, so that no pattern can take exponential time. */
function patternMatch(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

const asKnownKey = (line: Line): KnownKey => ({
  type: line.type,
  fingerprint: fingerprintOf(Buffer.from(line.key, 'base64')),
  file: line.file,
  line: line.line,
});

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}
