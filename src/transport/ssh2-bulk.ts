/**
 * An upload over ssh2 at what it has to cost. ssh2 itself fills the server's whole window (see {@link SendWindow}), and each
 * of its packets costs garbage and calls that show when there are thousands. As with `ssh2-economy.ts`, this looks before it
 * touches, and leaves to ssh2 what it does not know.
 */
import { createCipheriv } from 'node:crypto';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { SendWindow } from './send-window.ts';
import { isGcm, pad, paddingOf } from './ssh2-gcm.ts';

/** Where there is room for more and the server says nothing for so long, it gets more. */
const silenceMs = 100;

type Done = (error?: Error | null) => void;

interface InsideChannel {
  readonly outgoing?: { readonly id: number; readonly packetSize: number; window: number; state: string };
  _write?: unknown;
  /** What ssh2 calls `_write` with again when the server says that there is room: set while it waits. */
  _waitWindow?: boolean;
  _chunk?: Buffer | undefined;
  _chunkcb?: Done | undefined;
}

interface InsideClient {
  readonly _protocol?: InsideProtocol;
  readonly _sock?: Duplex;
}

interface InsideProtocol {
  /** There while keys are exchanged: packets are then put off. */
  readonly _kexinit?: unknown;
  readonly _cipher?: unknown;
  readonly channelData?: unknown;
}

/** For a session that nothing was written to yet. False: this ssh2 is built otherwise, and sends as it always does. */
export function sendInBulk(client: Client, session: ClientChannel): boolean {
  const { _protocol: protocol, _sock: socket } = client as unknown as InsideClient;
  const channel = session as unknown as InsideChannel;
  const { outgoing } = channel;
  if (outgoing === undefined || typeof channel._write !== 'function') return false;
  if (typeof protocol?.channelData !== 'function' || typeof socket?.write !== 'function') return false;
  if (![outgoing.id, outgoing.packetSize, outgoing.window].every(Number.isSafeInteger)) return false;

  const sending = new SendWindow();
  /** The server's window as we left it: it has grown by what was read since. */
  let windowLeft = outgoing.window;
  let timer: NodeJS.Timeout | undefined;
  session.once('close', () => clearTimeout(timer));

  const write = (bytes: Buffer, _: unknown, done: Done): void => {
    if (outgoing.state !== 'open') return;
    clearTimeout(timer);
    const now = performance.now();
    if (outgoing.window > windowLeft) sending.taken(outgoing.window - windowLeft, now);
    let at = 0;
    while (at < bytes.length) {
      const part = Math.min(bytes.length - at, outgoing.packetSize, outgoing.window);
      if (part === 0 || part > sending.room) break;
      sendPacket(protocol, socket, outgoing.id, bytes.subarray(at, at + part));
      at += part;
      outgoing.window -= part;
      sending.sent(part, now);
    }
    windowLeft = outgoing.window;
    if (at === bytes.length) {
      done();
      return;
    }
    channel._waitWindow = true;
    channel._chunk = bytes.subarray(at);
    channel._chunkcb = done;
    // Without any window there is nothing to be tried: that is how a slow program holds us up.
    if (outgoing.window > 0) timer = setTimeout(onSilence, silenceMs).unref();
  };
  const onSilence = (): void => {
    const { _chunk: bytes, _chunkcb: done } = channel;
    if (channel._waitWindow !== true || bytes === undefined || done === undefined) return;
    channel._waitWindow = false;
    sending.silent();
    write(bytes, undefined, done);
  };
  channel._write = write;
  return true;
}

/** RFC 4254 section 5.2, RFC 4253 section 6 and RFC 5647 section 7. */
const channelData = 94;
const lengthBytes = 4;
const headBytes = 14;
/** Every packet is put together here, and encrypted from here in the same turn. */
const plain = Buffer.allocUnsafeSlow(64 * 1024);
function sendPacket(protocol: InsideProtocol, socket: Duplex, channelId: number, bytes: Buffer): void {
  const cipher = protocol._cipher;
  if (protocol._kexinit !== undefined || !isGcm(cipher) || bytes.length + 64 > plain.length) {
    const { channelData: send } = protocol as { channelData(id: number, bytes: Buffer): void };
    send.call(protocol, channelId, bytes);
    return;
  }
  const unpadded = headBytes + bytes.length - lengthBytes;
  const padding = paddingOf(unpadded);
  const end = lengthBytes + unpadded + padding;
  const length = Buffer.allocUnsafe(lengthBytes);
  length.writeUInt32BE(end - lengthBytes);
  plain[4] = padding;
  plain[5] = channelData;
  plain.writeUInt32BE(channelId, 6);
  plain.writeUInt32BE(bytes.length, 10);
  plain.set(bytes, headBytes);
  pad(plain, end - padding, end);
  const encryption = createCipheriv(cipher._encSSLName, cipher._encKey, cipher._encIV);
  encryption.setAAD(length);
  const encrypted = encryption.update(plain.subarray(lengthBytes, end));
  encryption.final();
  cipher._onWrite(length);
  if (socket instanceof Socket) socket.write(encrypted, (error) => letGo(encrypted, error));
  else cipher._onWrite(encrypted);
  cipher._onWrite(encryption.getAuthTag());
  countUp(cipher._encIV);
  cipher.outSeqno = (cipher.outSeqno + 1) >>> 0;
}

/**
 * V8 would look through all of its heap for each 20 MB of what was sent, to find that this is not used any more: measured, as
 * dear as the encryption. The callback of a socket of the system's own comes when the system has taken the bytes; that of
 * any other stream may come while they are still to be read.
 */
function letGo(sent: Buffer<ArrayBuffer>, error: Error | null | undefined): void {
  if (!error && sent.byteLength === sent.buffer.byteLength) sent.buffer.transfer(0);
}

/** The last eight bytes are the number of the packet. */
function countUp(iv: Uint8Array): void {
  for (let at = 11; at >= 4; at -= 1) {
    const next = ((iv[at] ?? 0) + 1) & 0xff;
    iv[at] = next;
    if (next !== 0) return;
  }
}
