/** Paths and addresses: on this machine, on hosts, on the network. */
import { quote } from '../../../hcl/eval/quote.ts';
import type { Refusal } from '../../quantities.ts';
import { oneLine, parsed } from './reading.ts';

/** A path on the operator's machine, as written: relative to the environment's folder, absolute, or from `~/`. */
export const localPath = parsed<string>('path', 'a path', (text) =>
  text === '' ? { refused: 'It is empty.' } : (oneLine(text) ?? text),
);

function readHostPath(text: string, home: boolean): string | Refusal {
  const control = oneLine(text);
  if (control !== undefined) return control;
  if (text === '') return { refused: 'It is empty.' };
  if (!text.startsWith('/') && !(home && text.startsWith('~/'))) {
    const refused = `${quote(text)} does not start with "/"${home ? ' or "~/"' : ''}.`;
    return text.startsWith('~')
      ? { refused }
      : { refused, hint: `Did you mean "/${text.replace(/^\.?\//, '')}"?` };
  }
  if (text.split('/').some((part) => part === '..' || part === '.')) {
    return { refused: `${quote(text)} has "." or ".." in it.` };
  }
  return text.length > 1 ? text.replace(/\/+/g, '/').replace(/\/$/, '') : text;
}

/** A path on a host. */
export const hostPath = parsed<string>(
  'absolute path',
  'an absolute path on the host',
  (text) => readHostPath(text, false),
  {
    example: '"/run/haproxy-master.sock"',
  },
);

/** A folder on a host, absolute or below the home folder of the user who logs in. */
export const hostFolder = parsed<string>(
  'absolute path',
  'an absolute path on the host, or one from "~/"',
  (text) => {
    const path = readHostPath(text, true);
    return path === '/' ? { refused: 'It is the root of the file system.' } : path;
  },
  { example: '"/srv/shop"' },
);

/** A path in a URL, with a query if need be. */
export const urlPath = parsed<string>(
  'URL path',
  'the path of a URL, starting with "/"',
  (text) => {
    if (/^https?:\/\//.test(text)) {
      return {
        refused: `${quote(text)} is a whole URL.`,
        hint: 'Write the path alone; address and port have arguments of their own.',
      };
    }
    if (!text.startsWith('/'))
      return { refused: `${quote(text)} does not start with "/".`, hint: `Write "/${text}".` };
    return /[\s\x00-\x1f\x7f]/.test(text)
      ? { refused: `${quote(text)} has a space or a control character in it.` }
      : text;
  },
  { example: '"/health"' },
);

const hostName =
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/;
const digitsAndDots = /^[\d.]+$/;
const ipv4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
const ipv6 = /^[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9_.-]+)?$/;

/** An IP address or a name, without port, user or scheme. */
export const networkAddress = parsed<string>(
  'address',
  'an IP address or a host name',
  (text) => {
    if (digitsAndDots.test(text)) {
      return ipv4.test(text) ? text : { refused: `${quote(text)} is not an IPv4 address.` };
    }
    if (/^[a-z][a-z0-9+]*:\/\//.test(text))
      return { refused: `${quote(text)} is a URL.`, hint: 'Write the address alone.' };
    if (text.includes('@')) {
      return {
        refused: `${quote(text)} has a user in it.`,
        hint: 'Set "user" in an ssh block and the address alone here.',
      };
    }
    if (/^[^:]+:\d+$/.test(text)) {
      return {
        refused: `${quote(text)} has a port in it.`,
        hint: 'Set "port" in the host or in an ssh block.',
      };
    }
    if (text.includes(':'))
      return ipv6.test(text) ? text : { refused: `${quote(text)} is not an IPv6 address.` };
    return hostName.test(text) ? text : { refused: `${quote(text)} is neither.` };
  },
  { example: '"10.0.1.11"' },
);

/** `address:port`. */
export const endpoint = parsed<string>(
  'address and port',
  'an address with a port, such as "10.0.0.53:53"',
  (text) => {
    const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
    const portNumber = Number(match?.[3]);
    if (match === null || portNumber < 1 || portNumber > 65535) return { refused: `${quote(text)} is not.` };
    const address = match[1] ?? match[2] ?? '';
    return ipv4.test(address) || ipv6.test(address) || hostName.test(address)
      ? text
      : { refused: `${quote(text)} is not.` };
  },
  { example: '"10.0.0.53:53"' },
);

export const httpUrl = parsed<string>('URL', 'a URL that starts with http:// or https://', (text) =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
    ? text
    : { refused: `${quote(text)} is not.` },
);
