/**
 * A file from an HTTP server, as far as it can be had. What arrives is written behind what is there already, so that a
 * download that broke goes on where it stopped; whether it is the right content is for the caller to find out.
 */
import { createWriteStream } from 'node:fs';
import { stat, truncate } from 'node:fs/promises';
import { Agent as HttpAgent, get as httpGet, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, get as httpsGet } from 'node:https';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemReason, visible } from '../model/index.ts';

export interface DownloadOptions {
  readonly signal: AbortSignal;
  /** More than this is refused, whatever the server says about its size. */
  readonly maxBytes: number;
  /** The whole time that it may take, in ms, with all its tries. */
  readonly timeoutMs: number;
  /** The value of an Authorization header for this origin; undefined: none. Never sent to another origin. */
  readonly authorization?: (origin: URL) => string | undefined;
  /** Variables of the process: HTTPS_PROXY, HTTP_PROXY and NO_PROXY are obeyed. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly onProgress?: (bytes: number, total: number | undefined) => void;
}

/** Says why in a clause that holds neither credentials nor the query of a URL. */
export class DownloadFailure extends Error {
  override readonly name = 'DownloadFailure';
  readonly reason: 'unauthorized' | 'missing' | 'refused' | 'too_large' | 'unreachable' | 'disk';
  /** Whether another try may go better. */
  readonly isPassing: boolean;

  constructor(reason: DownloadFailure['reason'], why: string, isPassing = false, cause?: unknown) {
    super(why, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.isPassing = isPassing;
  }
}

const tries = 4;
const firstPauseMs = 500;
const redirectsAtMost = 5;
/** No byte for so long, headers or body: the server is gone, whatever TCP thinks. */
const silenceMs = 30_000;

/** Appends to `file` until it is whole. Throws {@link DownloadFailure}; what has arrived stays for the next time. */
export async function download(location: string, file: string, options: DownloadOptions): Promise<void> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  for (let turn = 1; ; turn += 1) {
    try {
      return await attempt(new URL(location), file, { ...options, signal });
    } catch (error) {
      const failure = asFailure(error, signal, options);
      if (!failure.isPassing || turn === tries) throw failure;
      await sleep(firstPauseMs * 2 ** (turn - 1), undefined, { signal }).catch(() => undefined);
    }
  }
}

function asFailure(error: unknown, signal: AbortSignal, options: DownloadOptions): DownloadFailure {
  if (options.signal.aborted) return new DownloadFailure('unreachable', 'it was given up', false, error);
  if (signal.aborted) {
    const minutes = Math.round(options.timeoutMs / 60_000);
    return new DownloadFailure('unreachable', `it was not there after ${minutes} minutes`, false, error);
  }
  if (error instanceof DownloadFailure) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EIO'].includes(code)) {
    return new DownloadFailure(
      'disk',
      `it cannot be written down here: ${systemReason(error)}`,
      false,
      error,
    );
  }
  const words = networkWords[code];
  if (words !== undefined) return new DownloadFailure('unreachable', words, true, error);
  // OpenSSL and Node name a certificate's fault by its code; trying again does not mend it.
  if (/^(CERT_|DEPTH_|UNABLE_|SELF_SIGNED|ERR_TLS|ERR_SSL|HOSTNAME)/.test(code)) {
    return new DownloadFailure('unreachable', `its certificate is not trusted (${code})`, false, error);
  }
  return new DownloadFailure('unreachable', visible(code === '' ? message : code), true, error);
}

const networkWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  ERR_STREAM_PREMATURE_CLOSE: 'the connection broke',
  ENOTFOUND: 'the name of its server cannot be resolved',
  EAI_AGAIN: 'the name of its server cannot be resolved',
  EHOSTUNREACH: 'there is no route to its server',
  ENETUNREACH: 'there is no route to its server',
  ETIMEDOUT: 'its server does not answer',
};

async function attempt(start: URL, file: string, options: DownloadOptions): Promise<void> {
  const offset = (await stat(file).catch(() => undefined))?.size ?? 0;
  const response = await follow(start, offset, options);
  const status = response.statusCode ?? 0;
  if (status === 416) {
    // Nothing behind what is there: it is whole, or of something else. Its digest will tell.
    response.destroy();
    if (offset > 0 && sizeOf(response) === offset) return;
    await truncate(file, 0);
    throw new DownloadFailure('unreachable', 'what its server has is shorter than what came before', true);
  }
  const resumes = status === 206 && startOf(response) === offset;
  if (status !== 200 && !resumes) {
    response.destroy();
    throw refusedBy(status, start);
  }
  const begin = resumes ? offset : 0;
  if (!resumes && offset > 0) await truncate(file, 0);
  const length = Number(response.headers['content-length'] ?? Number.NaN);
  const total = Number.isFinite(length) ? begin + length : undefined;
  if (total !== undefined && total > options.maxBytes) {
    response.destroy();
    throw tooLarge(options);
  }
  let received = begin;
  const bounded = new Transform({
    transform(chunk: Buffer, _, done) {
      received += chunk.length;
      options.onProgress?.(received, total);
      done(received > options.maxBytes ? tooLarge(options) : null, chunk);
    },
  });
  await pipeline(response, bounded, createWriteStream(file, { flags: 'a', mode: 0o600 }), {
    signal: options.signal,
  });
  if (total !== undefined && received < total) {
    throw new DownloadFailure('unreachable', 'the connection broke', true);
  }
}

const tooLarge = ({ maxBytes }: DownloadOptions): DownloadFailure =>
  new DownloadFailure('too_large', `it is larger than ${Math.round(maxBytes / 1e9)} GB`);

function refusedBy(status: number, { origin }: URL): DownloadFailure {
  if (status === 401 || status === 403) {
    return new DownloadFailure('unauthorized', `${origin} refused it (HTTP ${status})`);
  }
  if (status === 404 || status === 410) {
    return new DownloadFailure('missing', `${origin} has nothing there (HTTP ${status})`);
  }
  const isPassing = status >= 500 || status === 429 || status === 408;
  return new DownloadFailure('refused', `${origin} answered with HTTP ${status}`, isPassing);
}

/** The first byte of a part, by its Content-Range. */
const startOf = ({ headers }: IncomingMessage): number =>
  Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? Number.NaN);

/** The whole size, by the Content-Range of a refusal. */
const sizeOf = ({ headers }: IncomingMessage): number =>
  Number(/^bytes \*\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] ?? Number.NaN);

/** Follows a few redirects: never from https to http, and never with credentials to another origin. */
async function follow(start: URL, offset: number, options: DownloadOptions): Promise<IncomingMessage> {
  let url = start;
  for (let redirects = 0; ; redirects += 1) {
    const response = await request(url, start, offset, options);
    const { location } = response.headers;
    const status = response.statusCode ?? 0;
    if (status < 300 || status > 399 || location === undefined) return response;
    response.destroy();
    if (redirects === redirectsAtMost) {
      throw new DownloadFailure('refused', `it was redirected more than ${redirectsAtMost} times`);
    }
    if (!URL.canParse(location, url.href))
      throw new DownloadFailure('refused', 'it was redirected to nowhere');
    const next = new URL(location, url);
    if (next.protocol !== 'https:' && next.protocol !== url.protocol) {
      throw new DownloadFailure(
        'refused',
        `${url.origin} redirects to ${next.protocol}//, which is not followed`,
      );
    }
    url = next;
  }
}

function request(
  url: URL,
  start: URL,
  offset: number,
  { signal, environment, authorization }: DownloadOptions,
): Promise<IncomingMessage> {
  const credentials =
    url.origin === start.origin ? (ownCredentials(start) ?? authorization?.(url)) : undefined;
  const headers = {
    accept: '*/*',
    // As it is: what is compared are the bytes that were published.
    'accept-encoding': 'identity',
    'user-agent': 'deployctl',
    ...(offset === 0 ? {} : { range: `bytes=${offset}-` }),
    ...(credentials === undefined ? {} : { authorization: credentials }),
  };
  return new Promise((resolve, reject) => {
    const proxy = { proxyEnv: { ...environment } };
    const isTls = url.protocol === 'https:';
    const bare = new URL(url);
    bare.username = '';
    bare.password = '';
    const options = { headers, signal, timeout: silenceMs };
    const asked = isTls
      ? httpsGet(bare, { ...options, agent: new HttpsAgent(proxy) }, resolve)
      : httpGet(bare, { ...options, agent: new HttpAgent(proxy) }, resolve);
    // Of the socket: it counts the body's silence too.
    asked.once('timeout', () =>
      asked.destroy(new DownloadFailure('unreachable', `no byte came for ${silenceMs / 1000} s`, true)),
    );
    asked.once('error', reject);
  });
}

const ownCredentials = ({ username, password }: URL): string | undefined =>
  username === '' ? undefined : basic(decodeURIComponent(username), decodeURIComponent(password));

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/**
 * The Authorization for a server by a netrc file's text, as curl and git read it: `machine NAME login USER password
 * SECRET`, or `default`. undefined: it says nothing about this server.
 */
export function netrcAuthorization(text: string, hostname: string): string | undefined {
  const words = text
    .replaceAll(/^\s*#.*$/gm, '')
    .trim()
    .split(/\s+/);
  let applies = false;
  let login: string | undefined;
  let password: string | undefined;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at];
    if (word === 'machine' || word === 'default') {
      if (applies && login !== undefined) break;
      applies = word === 'default' || words[at + 1] === hostname;
      login = undefined;
      password = undefined;
    } else if (applies && word === 'login') login = words[at + 1];
    else if (applies && word === 'password') password = words[at + 1];
    if (word !== 'default') at += 1;
  }
  return applies && login !== undefined ? basic(login, password ?? '') : undefined;
}
