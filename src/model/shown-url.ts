import { visible } from './visible.ts';

/**
 * The URL as it may be shown and kept: without user and password, and without the values of its query, where signed URLs
 * carry their signature.
 */
export function shownUrl(text: string): string {
  if (!URL.canParse(text)) return '(not a URL)';
  const url = new URL(text);
  const query = url.search === '' ? '' : '?...';
  return visible(`${url.protocol}//${url.host}${url.pathname}${query}`);
}
