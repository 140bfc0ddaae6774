/** Runs with the view that fits: Ink on a terminal, lines elsewhere, JSON lines for programs. All read the same events. */
import { createControl, type Running, type RunResult } from '../app/apply.ts';
import { systemClock } from '../app/clock.ts';
import type { Event } from '../model/index.ts';
import { jsonLines } from '../ui/json-lines.ts';
import { plainLines } from '../ui/plain.ts';
import type { Renderer } from '../ui/renderer.ts';
import { diagnosticFrame } from './diagnostics-text.ts';
import { withPasteableHints } from './json-text.ts';
import type { Terminal } from './terminal.ts';

export interface RunViewOptions {
  readonly json: boolean;
  readonly parallelism: number;
  readonly who: string;
}

/**
 * Ctrl-C and SIGTERM ask the run to stop after the steps in hand; a second one stops at once. SIGHUP (the terminal is
 * gone) asks like the first.
 */
export async function runWithView(
  go: (running: Running) => Promise<RunResult>,
  terminal: Terminal,
  options: RunViewOptions,
): Promise<RunResult> {
  const control = createControl();
  const view = await openView(terminal, options, control);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const interrupt = (signal: NodeJS.Signals): void => control.interrupt(options.who, signal);
  for (const signal of signals) process.on(signal, interrupt);
  try {
    return await go({ control, parallelism: options.parallelism, emit: (event) => view.event(event) });
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
    await view.end();
  }
}

interface View {
  event(event: Event): void;
  end(): Promise<void>;
}

async function openView(
  terminal: Terminal,
  options: RunViewOptions,
  control: ReturnType<typeof createControl>,
): Promise<View> {
  const write = (text: string): void => void terminal.stdout.write(text);
  if (options.json) return still(jsonLines((line) => write(withPasteableHints(line, terminal.call))));
  if (terminal.redraws && terminal.interactive) {
    const { mountRollout } = await import('../ui/rollout.tsx');
    return mountRollout({
      control,
      who: options.who,
      stdout: process.stdout,
      stdin: process.stdin,
      clock: systemClock,
      color: terminal.color.stdout,
      frame: diagnosticFrame(terminal),
      pasteable: (text) => terminal.call.pasteable(text),
    });
  }
  return still(
    plainLines({
      write,
      color: terminal.color.stdout,
      width: terminal.columns,
      pasteable: (text) => terminal.call.pasteable(text),
      frame: diagnosticFrame(terminal),
      now: () => systemClock.now(),
    }),
  );
}

const still = (renderer: Renderer): View => ({
  event: (event) => renderer.event(event),
  end: async () => renderer.end(),
});
