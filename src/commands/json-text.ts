import type { Call } from '../app/call.ts';
import { printableJson } from '../ui/printable.ts';

/** A document for standard output, the commands in its hints filled in. */
export const jsonText = (document: unknown, call: Call): string =>
  withPasteableHints(printableJson(document), call);

/** The same for JSON that is text already. */
export const withPasteableHints = (json: string, call: Call): string =>
  json.replaceAll(
    /"hint":("(?:[^"\\]|\\.)*")/g,
    (_, hint: string) => `"hint":${printableJson(call.pasteable(JSON.parse(hint) as string))}`,
  );
