/**
 * The bcrypt password hash (Provos and Mazières, 1999), version 2a, as Go's x/crypto has it: Blowfish with a key
 * schedule that is made expensive on purpose. Passwords of up to 72 bytes.
 */
export function bcryptHash(password: Uint8Array, salt: Uint8Array, cost: number): string {
  // C strings: the terminating zero belongs to the key.
  const key = Uint8Array.from([...password, 0]);
  const cipher = new Blowfish();
  cipher.expand(key, salt);
  for (let i = 0; i < 2 ** cost; i++) {
    cipher.expand(key);
    cipher.expand(salt);
  }
  const text = new DataView(Uint8Array.from(Buffer.from('OrpheanBeholderScryDoubt')).buffer);
  const out = Buffer.alloc(24);
  for (let at = 0; at < 24; at += 8) {
    let [left, right] = [text.getUint32(at), text.getUint32(at + 4)];
    for (let i = 0; i < 64; i++) [left, right] = cipher.encrypt(left, right);
    out.writeUInt32BE(left, at);
    out.writeUInt32BE(right, at + 4);
  }
  return `$2a$${String(cost).padStart(2, '0')}$${encode(salt)}${encode(out.subarray(0, 23))}`;
}

const ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 with an alphabet of its own and no padding. */
const encode = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('base64')
    .replace(/=+$/, '')
    .replace(/[A-Za-z0-9+/]/g, (c) => ALPHABET.charAt(STANDARD.indexOf(c)));

const ROUNDS = 16;
const SUBKEYS = ROUNDS + 2;
const BOX = 256;

/** Blowfish begins with the first 33,344 binary digits of π after the point. */
let initial: Uint32Array | undefined;

function digitsOfPi(): Uint32Array {
  if (initial !== undefined) return initial;
  const words = SUBKEYS + 4 * BOX;
  const guard = 64n;
  const unit = 1n << (BigInt(words) * 32n + guard);
  // Machin: π = 16 arctan(1/5) - 4 arctan(1/239).
  const arctan = (inverse: bigint): bigint => {
    let power = unit / inverse;
    let sum = power;
    for (let n = 3n, negative = true; power > 0n; n += 2n, negative = !negative) {
      power /= inverse * inverse;
      sum += negative ? -(power / n) : power / n;
    }
    return sum;
  };
  const fraction = (16n * arctan(5n) - 4n * arctan(239n) - 3n * unit) >> guard;
  const hex = fraction.toString(16).padStart(words * 8, '0');
  initial = Uint32Array.from({ length: words }, (_, i) => Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16));
  return initial;
}

class Blowfish {
  /** The subkeys, then the four boxes. */
  readonly #state = Uint32Array.from(digitsOfPi());

  encrypt(left: number, right: number): [number, number] {
    const s = this.#state;
    let l = left;
    let r = right;
    for (let i = 0; i < ROUNDS; i += 2) {
      l ^= s[i] ?? 0;
      r ^= this.#mix(l);
      r ^= s[i + 1] ?? 0;
      l ^= this.#mix(r);
    }
    return [(r ^ (s[ROUNDS + 1] ?? 0)) >>> 0, (l ^ (s[ROUNDS] ?? 0)) >>> 0];
  }

  #mix(x: number): number {
    const s = this.#state;
    const a = s[SUBKEYS + (x >>> 24)] ?? 0;
    const b = s[SUBKEYS + BOX + ((x >>> 16) & 255)] ?? 0;
    const c = s[SUBKEYS + 2 * BOX + ((x >>> 8) & 255)] ?? 0;
    const d = s[SUBKEYS + 3 * BOX + (x & 255)] ?? 0;
    return ((((a + b) ^ c) + d) | 0) >>> 0;
  }

  /** Mixes a key, and a salt if there is one, into the whole state. */
  expand(key: Uint8Array, salt?: Uint8Array): void {
    const s = this.#state;
    const keyWords = cycle(key);
    for (let i = 0; i < SUBKEYS; i++) s[i] = (s[i] ?? 0) ^ keyWords();
    const saltWords = salt === undefined ? () => 0 : cycle(salt);
    let [left, right] = [0, 0];
    for (let i = 0; i < s.length; i += 2) {
      [left, right] = this.encrypt((left ^ saltWords()) >>> 0, (right ^ saltWords()) >>> 0);
      s[i] = left;
      s[i + 1] = right;
    }
  }
}

/** Words of four bytes, over and over again. */
function cycle(bytes: Uint8Array): () => number {
  let at = 0;
  return () => {
    let word = 0;
    for (let i = 0; i < 4; i++) {
      word = (word << 8) | (bytes[at] ?? 0);
      at = (at + 1) % bytes.length;
    }
    return word >>> 0;
  };
}
