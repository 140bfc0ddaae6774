/**
 * The lab's DNS server: authoritative, on UDP and TCP of one loopback address, with signed transfers and updates
 * (RFC 1035, 2136, 5936, 8945), for trying deployctl and for its tests. It is no DNS server for production.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TsigKey } from '../../dns/tsig.ts';
import { KeptZones } from './kept-zones.ts';
import { reply, type ServedZone } from './reply.ts';
import type { Zone } from './zone.ts';

export interface LabDnsOptions {
  readonly host: string;
  /** 0: any that is free on both UDP and TCP. */
  readonly port: number;
  readonly keys: readonly LabDnsKey[];
  readonly zones: readonly {
    readonly zone: Zone;
    readonly updaters: readonly string[];
    readonly readers: readonly string[];
  }[];
  /** Where zones are kept over a restart; what it holds goes before `zones`. */
  readonly stateFile: string;
}

export interface LabDnsKey {
  readonly name: string;
  readonly algorithm: TsigKey['algorithm'];
  /** In base64. */
  readonly secret: string;
}

export interface LabDns extends AsyncDisposable {
  readonly port: number;
}

/** A client that says nothing for so long, in ms, is left. */
const idleMs = 10_000;

/** Resolves when it answers. Fails when the port is taken, or the kept zones cannot be read. */
export async function startLabDns(options: LabDnsOptions): Promise<LabDns> {
  const { host } = options;
  const keys = options.keys.map((key): TsigKey => ({ ...key, secret: Buffer.from(key.secret, 'base64') }));
  const kept = new KeptZones(
    options.stateFile,
    options.zones.map(({ zone }) => zone),
  );
  const served = options.zones.map(
    ({ zone: { name }, updaters, readers }): ServedZone => ({
      name,
      updaters,
      readers,
      read: () => kept.zone(name),
      write: (zone) => kept.keep(zone),
    }),
  );
  const answer = (bytes: Uint8Array, over: 'udp' | 'tcp'): readonly Uint8Array[] =>
    reply(bytes, { zones: served, keys, now: () => Date.now(), over });

  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    socket.setTimeout(idleMs, () => socket.destroy()).setNoDelay(true);
    serveStream(socket, (bytes) => answer(bytes, 'tcp'));
  });
  const port = await listen(tcp, options.port, host);
  const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    await bind(udp, port, host);
  } catch (error) {
    tcp.close();
    throw error;
  }
  udp.on('message', (bytes, { port: from, address }) => {
    for (const each of answer(bytes, 'udp')) udp.send(each, from, address, () => {});
  });
  udp.on('error', () => {});
  return {
    port,
    async [Symbol.asyncDispose]() {
      const closed = Promise.all([
        new Promise<void>((resolve) => tcp.close(() => resolve())),
        new Promise<void>((resolve) => udp.close(() => resolve())),
      ]);
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Messages with their length before them, answered in their order (RFC 1035 section 4.2.2). */
function serveStream(socket: Socket, answer: (bytes: Uint8Array) => readonly Uint8Array[]): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0);
      const answers = answer(Uint8Array.from(rest.subarray(2, end)));
      rest = rest.subarray(end);
      if (answers.length === 0) {
        socket.destroy();
        return;
      }
      for (const each of answers) {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(each.length);
        socket.write(Buffer.concat([length, each]));
      }
    }
  });
}

const listen = (server: Server, port: number, host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });

const bind = (socket: UdpSocket, port: number, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host, () => {
      socket.removeListener('error', reject);
      resolve();
    });
  });
