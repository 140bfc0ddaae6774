/** `━━━━╸━━━`: what is left of `╸` is done. */
export function barText(fraction: number, cells: number): string {
  const filled = Math.max(0, Math.min(cells - 1, Math.floor(fraction * cells)));
  return `${'━'.repeat(filled)}╸${'─'.repeat(cells - filled - 1)}`;
}
