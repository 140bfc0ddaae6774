/** One zone's servers as this program talks to them: questions, transfers, updates. */
import { randomInt } from 'node:crypto';
import { Malformed } from '../../dns/malformed.ts';
import { encodeMessage, type Message, parseMessage, type WireRecord } from '../../dns/message.ts';
import { ReplyVerifier, type Signed, signRequest, type TsigKey, type Verdict } from '../../dns/tsig.ts';
import { classes, opcodes, rcodeName, rcodes, tsigErrorName, tsigErrors, types } from '../../dns/types.ts';
import { encodeUpdate, type Update } from '../../dns/update.ts';
import type { DnsEndpoint, Instant, ProviderFailure, ZoneDeclared } from '../../model/index.ts';
import { askByUdp, exchangeByTcp, serverText, streamByTcp } from '../../transport/index.ts';
import { aboutSignature, refusal } from './complaints.ts';
import { contentOf, type ZoneContent } from './zone-content.ts';

const askTimeoutMs = 3_000;
const updateTimeoutMs = 5_000;
const transferTimeoutMs = 30_000;
/** A zone larger than this is read by questions: about a million records. */
const largestTransferBytes = 64 * 2 ** 20;

export interface ZoneClientOptions {
  readonly resolveSecret: (name: string) => Promise<string>;
  readonly now: () => Instant;
  /** How long the answer to an update may take, in ms: 5 s where nothing is said. */
  readonly updateTimeoutMs?: number;
}

/** What a server said to an update, and whether it was the server that said it. */
export interface UpdateReply {
  readonly rcode: number;
  readonly verdict: Verdict;
}

/** The zone was not given, and why: it has to be read by questions. */
export interface TransferRefused {
  readonly refused: string;
}

export class ZoneClient {
  readonly zone: ZoneDeclared;
  readonly #options: ZoneClientOptions;

  constructor(zone: ZoneDeclared, options: ZoneClientOptions) {
    this.zone = zone;
    this.#options = options;
  }

  /** One server's own answer, over UDP, or over TCP where it does not fit. It is not asked to look elsewhere. */
  async ask(server: DnsEndpoint, name: string, type: number, signal?: AbortSignal): Promise<Message> {
    const options = { timeoutMs: askTimeoutMs, ...(signal === undefined ? {} : { signal }) };
    const bytes = encodeMessage({
      id: newId(),
      opcode: opcodes.QUERY,
      questions: [{ name, type, class: classes.IN }],
    });
    const short = this.#parse(server, await askByUdp(server, bytes, options));
    const message = short.isTruncated
      ? this.#parse(server, await exchangeByTcp(server, bytes, options))
      : short;
    const [question] = message.questions;
    if (!message.isResponse || question?.name !== name || question.type !== type) {
      throw this.#odd(server, 'answered another question than it was asked');
    }
    return message;
  }

  /**
   * The whole zone as the primary holds it, every message of it signed where there is a key (RFC 5936). A transfer that
   * breaks off is a failure, never an empty zone.
   */
  async transfer(signal?: AbortSignal): Promise<ZoneContent | TransferRefused> {
    const { primary, zone } = this.zone;
    const question = encodeMessage({
      id: newId(),
      opcode: opcodes.QUERY,
      questions: [{ name: zone, type: types.AXFR, class: classes.IN }],
    });
    const { signed, verifier } = await this.#sign(question);
    const options = { timeoutMs: transferTimeoutMs, ...(signal === undefined ? {} : { signal }) };
    const records: WireRecord[] = [];
    let received = 0;
    for await (const bytes of streamByTcp(primary, signed.bytes, options)) {
      const message = this.#parse(primary, bytes);
      received += bytes.length;
      if (received > largestTransferBytes) return { refused: 'the zone is too large to be transferred' };
      if (message.rcode !== rcodes.NOERROR) return this.#refusedTransfer(bytes, message, verifier);
      if (verifier !== undefined) this.#mustBeSigned(bytes, message, verifier);
      records.push(...message.answers);
      const [first] = records;
      const last = records.at(-1);
      if (first?.type !== types.SOA || first.name !== zone) {
        throw this.#odd(primary, `sent a transfer that does not begin with the SOA of ${zone}`);
      }
      if (records.length > 1 && last?.type === types.SOA) {
        if (verifier !== undefined && !verifier.isSettled)
          throw this.#odd(primary, 'left the end of a transfer unsigned');
        return this.contentOf(primary, first, records.slice(1, -1));
      }
    }
    throw new Error('a stream without an end');
  }

  #refusedTransfer(
    bytes: Uint8Array,
    message: Message,
    verifier: ReplyVerifier | undefined,
  ): TransferRefused {
    const verdict = verifier?.verify(bytes, message, this.#options.now());
    const error = verdict?.error ?? 0;
    // A wrong secret or clock will not do for the update either. A key that is not known may only lack this right (Knot).
    if (verdict !== undefined && (error === tsigErrors.BADSIG || error === tsigErrors.BADTIME)) {
      const complaint = aboutSignature(this.zone, verdict);
      if (complaint !== undefined) throw refusal(this.zone, complaint);
    }
    // BIND answers SERVFAIL where too many are transferring; a zone that is broken fails the questions as well.
    const told = error === 0 ? '' : `, ${tsigErrorName(error)}`;
    return { refused: `${serverText(this.zone.primary)} answers ${rcodeName(message.rcode)}${told}` };
  }

  #mustBeSigned(bytes: Uint8Array, message: Message, verifier: ReplyVerifier): void {
    if (message.signature === undefined && verifier.passUnsigned(bytes)) return;
    const verdict = verifier.verify(bytes, message, this.#options.now());
    if (verdict.verified) return;
    throw refusal(this.zone, {
      code: 'dns-reply-unverified',
      summary: 'The DNS server answered without a valid signature',
      detail: `${serverText(this.zone.primary)} sent ${this.zone.zone}, and ${verdict.why}: nothing of it is believed.`,
      hint: 'Something between here and the server may be answering in its place.',
    });
  }

  /**
   * Sends an update, signed afresh, over TCP. Throws `none` or `maybe`, as far as it can have arrived. `unsigned`: to
   * find out whether the server would do it for anyone.
   */
  async update(update: Update, signal?: AbortSignal, by: 'key' | 'unsigned' = 'key'): Promise<UpdateReply> {
    const { primary } = this.zone;
    const request = encodeUpdate(newId(), update);
    const { signed, verifier } = by === 'key' ? await this.#sign(request) : unsigned(request);
    const options = {
      timeoutMs: this.#options.updateTimeoutMs ?? updateTimeoutMs,
      ...(signal === undefined ? {} : { signal }),
    };
    const bytes = await exchangeByTcp(primary, signed.bytes, options);
    let message: Message;
    try {
      message = parseMessage(bytes);
    } catch (error) {
      if (error instanceof Malformed)
        return {
          rcode: rcodes.NOERROR,
          verdict: unverified(`its reply is no DNS message (${error.message})`),
        };
      throw error;
    }
    const isReply =
      message.isResponse && message.id === (signed.bytes[0] ?? 0) * 256 + (signed.bytes[1] ?? 0);
    if (!isReply) return { rcode: message.rcode, verdict: unverified('it answers something else') };
    const verdict = verifier?.verify(bytes, message, this.#options.now()) ?? trusted;
    return { rcode: message.rcode, verdict };
  }

  async #sign(
    message: Uint8Array,
  ): Promise<{ readonly signed: Signed; readonly verifier: ReplyVerifier | undefined }> {
    const key = await this.#key();
    if (key === undefined) return unsigned(message);
    const signed = signRequest(message, key, this.#options.now());
    return { signed, verifier: new ReplyVerifier(key, signed.mac) };
  }

  /** The key, read when it is used. */
  async #key(): Promise<TsigKey | undefined> {
    const { tsig } = this.zone;
    if (tsig === undefined) return undefined;
    const text = (await this.#options.resolveSecret(tsig.secret)).trim();
    const secret = Buffer.from(text, 'base64');
    if (secret.length === 0 || secret.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) {
      throw refusal(this.zone, {
        code: 'dns-key-not-base64',
        summary: 'The DNS key is not base64',
        detail: `secret.${tsig.secret}, the key ${tsig.name} of ${this.zone.zone}, is not written in base64.`,
        hint: 'It is what stands after "secret" in the output of tsig-keygen or keymgr.',
      });
    }
    return { name: tsig.name, algorithm: tsig.algorithm, secret };
  }

  #parse(server: DnsEndpoint, bytes: Uint8Array): Message {
    return this.#understood(server, 'something that is no DNS message', () => parseMessage(bytes));
  }

  /** What these records of a server come to. Throws `dns-answer-not-understood`, `none`, where one of them is no record. */
  contentOf(server: DnsEndpoint, soa: WireRecord, records: readonly WireRecord[]): ZoneContent {
    return this.#understood(server, 'a record that cannot be one', () => contentOf(soa, records));
  }

  #understood<T>(server: DnsEndpoint, what: string, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof Malformed) throw this.#odd(server, `sent ${what} (${error.message})`);
      throw error;
    }
  }

  #odd(server: DnsEndpoint, what: string): ProviderFailure {
    return refusal(this.zone, {
      code: 'dns-answer-not-understood',
      summary: 'A DNS server answered in a way that cannot be right',
      detail: `${serverText(server)} ${what}.`,
      hint: 'Check that the address is one of a DNS server.',
    });
  }
}

const unsigned = (bytes: Uint8Array): { readonly signed: Signed; readonly verifier: undefined } => ({
  signed: { bytes, mac: new Uint8Array(0) },
  verifier: undefined,
});

const newId = (): number => randomInt(0x10000);

const unverified = (why: string): Verdict => ({ verified: false, why, error: 0 });

/** Without a key there is nothing to verify: whoever may write to the server without one is believed by it as well. */
const trusted: Verdict = { verified: true, mac: new Uint8Array(0), error: 0, clockOffSeconds: undefined };
