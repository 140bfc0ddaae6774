/** What is under way to a host fills the link that it goes over, and not the memory of the server. */
import { expect, test } from 'vitest';
import { SendWindow } from '../../../src/transport/send-window.ts';

const packet = 32 * 1024;
const serverWindow = 2 * 1024 * 1024;
/** OpenSSH's server tells what was read with every third packet. */
const toldBytes = 3 * packet;

interface Link {
  /** From us to the host, and the same back. */
  readonly wayMs: number;
  /** The slower of the link and the program that reads. */
  readonly bytesPerMs: number;
}

const stepMs = 0.1;

/** Sends without end for so long and gives what was under way most in each tenth of it. */
function underWay({ wayMs, bytesPerMs }: Link, forMs: number): readonly number[] {
  const window = new SendWindow();
  const arriving: { readonly at: number; readonly bytes: number }[] = [];
  const receipts: { readonly at: number; readonly bytes: number }[] = [];
  let waiting = 0;
  let read = 0;
  let flying = 0;
  const most: number[] = Array.from({ length: 10 }, () => 0);
  for (let now = 0; now < forMs; now += stepMs) {
    while (receipts[0] !== undefined && receipts[0].at <= now) {
      const { bytes } = receipts.shift() ?? { bytes: 0 };
      flying -= bytes;
      window.taken(bytes, now);
    }
    while (window.room >= packet && serverWindow - flying >= packet) {
      window.sent(packet, now);
      flying += packet;
      arriving.push({ at: now + wayMs, bytes: packet });
    }
    while (arriving[0] !== undefined && arriving[0].at <= now) waiting += arriving.shift()?.bytes ?? 0;
    const taken = Math.min(waiting, bytesPerMs * stepMs);
    waiting -= taken;
    read += taken;
    while (read >= toldBytes) {
      read -= toldBytes;
      receipts.push({ at: now + wayMs, bytes: toldBytes });
    }
    const tenth = Math.floor((now * 10) / forMs);
    most[tenth] = Math.max(most[tenth] ?? 0, flying);
  }
  return most;
}

test.for([
  // 100 MB/s and 50 ms there and back: 5 MB would fit, the server takes 2 MB.
  [
    'a long way takes all that the server does',
    { wayMs: 25, bytesPerMs: 100_000 },
    serverWindow,
    serverWindow,
  ],
  // 100 MB/s and 10 ms: 1 MB is on the link.
  ['a way of 10 ms is filled', { wayMs: 5, bytesPerMs: 100_000 }, 1_000_000, serverWindow],
  ['a slow program near by has little before it', { wayMs: 0, bytesPerMs: 20_000 }, 0, 256 * 1024],
  ['a fast program near by, too', { wayMs: 0, bytesPerMs: 300_000 }, 0, 1_024 * 1024],
  [
    'a slow program far away, little more than the way holds',
    { wayMs: 25, bytesPerMs: 5_000 },
    250_000,
    900_000,
  ],
] as const)('%s', ([, link, least, most]) => {
  const late = underWay(link, 1_500).slice(3);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(least - packet);
  expect(Math.max(...late)).toBeLessThanOrEqual(most);
});

test('a server that tells only of half of its window is given more until it does', () => {
  const window = new SendWindow();
  window.sent(window.room, 0);
  expect(window.room).toBe(0);
  for (let silences = 0; silences < 2; silences += 1) {
    window.silent();
    window.sent(window.room, 100);
  }
  expect(window.allowed).toBe(1024 * 1024);
});
