/** Names of hosts, few or hundreds, in a few words. */
import { visible } from '../model/visible.ts';
import { counted, listText } from './time-text.ts';

/**
 * `web-1`, `web-1 web-2 web-3`, or `300 hosts` when there are more than `most`. The operator's own machine is
 * `this machine`.
 */
export function hostsText(hosts: readonly string[], most = 3): string {
  const names = hosts.map((host) => (host === 'operator' ? 'this machine' : visible(host)));
  return names.length <= most ? names.join(' ') : counted(names.length, 'host');
}

/** Names them all, consecutive numbers as a range: `web-1 to web-300`, `a, b, web-3 to web-9 and 12 more`. */
export function hostNames(hosts: readonly string[], most = 6): string {
  const ranges = inRanges(hosts.map((host) => visible(host)));
  if (ranges.length <= most) return listText(ranges.map(({ text }) => text));
  const shown = ranges.slice(0, most - 1);
  const named = shown.reduce((sum, { size }) => sum + size, 0);
  return `${shown.map(({ text }) => text).join(', ')} and ${hosts.length - named} more`;
}

interface Range {
  readonly text: string;
  readonly size: number;
}

/** Runs of three and more names that differ only in a number that counts up by one. */
function inRanges(hosts: readonly string[]): readonly Range[] {
  const ranges: Range[] = [];
  let at = 0;
  while (at < hosts.length) {
    const first = hosts[at] ?? '';
    let last = first;
    let size = 1;
    while (at + size < hosts.length && hosts[at + size] === successor(last)) {
      last = hosts[at + size] ?? '';
      size += 1;
    }
    if (size >= 3) ranges.push({ text: `${first} to ${last}`, size });
    else for (const name of hosts.slice(at, at + size)) ranges.push({ text: name, size: 1 });
    at += size;
  }
  return ranges;
}

/** `web-9` to `web-10`, `web-009` to `web-010`: the width that leading zeros give is kept. */
function successor(name: string): string | undefined {
  const match = /^(.*?)(\d{1,9})(\D*)$/.exec(name);
  if (match === null) return undefined;
  const [, before = '', digits = '', after = ''] = match;
  const next = String(Number(digits) + 1);
  return before + (digits.startsWith('0') ? next.padStart(digits.length, '0') : next) + after;
}
