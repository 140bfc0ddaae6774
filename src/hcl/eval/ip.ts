/** A text that is no network. */
export class AddressFailure extends Error {
  override readonly name = 'AddressFailure';
}

export interface Prefix {
  /** The first address, as a number. */
  readonly address: bigint;
  /** 32 for IPv4, 128 for IPv6. */
  readonly bits: 32 | 128;
  readonly length: number;
}

/** Leading zeros are taken, as Terraform still takes them: they mean nothing. */
function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let address = 0n;
  for (const part of parts) {
    if (!/^\d+$/.test(part) || part.length > 255) return undefined;
    const value = BigInt(part);
    if (value > 255n) return undefined;
    address = (address << 8n) | value;
  }
  return address;
}

function parseV6(text: string): bigint | undefined {
  let source = text;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(source);
  if (dotted !== null) {
    const v4 = parseV4(dotted[2] ?? '');
    if (v4 === undefined) return undefined;
    source = `${dotted[1]}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`;
  }
  const [head = '', tail, ...rest] = source.split('::');
  if (rest.length > 0) return undefined;
  const groups = (part: string | undefined): string[] =>
    part === undefined || part === '' ? [] : part.split(':');
  const [before, after] = [groups(head), groups(tail)];
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  let address = 0n;
  for (const group of [...before, ...Array<string>(missing).fill('0'), ...after]) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
    address = (address << 16n) | BigInt(`0x${group}`);
  }
  return address;
}

/** Reads `10.0.0.0/8`; the address is cut to the first one of the network. Throws AddressFailure in Go's words. */
export function parsePrefix(text: string): Prefix {
  const match = /^([^/]*)\/(\d{1,9})$/.exec(text);
  const [, host = '', size = ''] = match ?? [];
  const v4 = parseV4(host);
  const address = v4 ?? parseV6(host);
  const bits = v4 === undefined ? 128 : 32;
  const length = Number(size);
  if (match === null || address === undefined || length > bits) {
    throw new AddressFailure(`invalid CIDR address: ${text}`);
  }
  const free = BigInt(bits - length);
  return { address: (address >> free) << free, bits, length };
}

const v4Text = (address: bigint): string =>
  [24n, 16n, 8n, 0n].map((shift) => ((address >> shift) & 0xffn).toString()).join('.');

/** The address as text; IPv6 in its shortest form, IPv4 inside of it as IPv4. */
export function addressText({ address, bits }: Pick<Prefix, 'address' | 'bits'>): string {
  if (bits === 32) return v4Text(address);
  if (address >> 32n === 0xffffn) return v4Text(address & 0xffff_ffffn);
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((address >> BigInt(112 - i * 16)) & 0xffffn).toString(16),
  );
  let [start, longest] = [-1, 1];
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (groups[end] === '0') end++;
    if (end - i > longest) [start, longest] = [i, end - i];
  }
  if (start < 0) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + longest).join(':')}`;
}

/** IPv4 inside of IPv6 is shown as IPv4, and so is the length of its prefix. */
export function prefixText(prefix: Prefix): string {
  const isInner = prefix.bits === 128 && prefix.address >> 32n === 0xffffn;
  return `${addressText(prefix)}/${isInner ? Math.max(0, prefix.length - 96) : prefix.length}`;
}

/** The mask of an IPv4 network. */
export const maskText = ({ length }: Prefix): string =>
  v4Text((0xffff_ffffn << BigInt(32 - length)) & 0xffff_ffffn);
