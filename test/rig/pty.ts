/** A program on a terminal of its own: what a person would see and type. */
import { spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';

export interface OnTerminal {
  /** Resolves when the text is on the screen, or in what scrolled off it; rejects after `withinMs` with what is there. */
  shows(text: string, withinMs?: number): Promise<void>;
  type(keys: string): void;
  /** As if somebody pulled at the window's corner. */
  resize(columns: number, rows: number): void;
  signal(name: NodeJS.Signals): void;
  /** The rows of the window, without what scrolled off it. */
  window(): readonly string[];
  /** Whether the cursor is shown, as the program left it. */
  cursorShown(): boolean;
  /** Screen and scrollback, without blanks at line ends. */
  text(): string;
  /** The exit code, when it has ended. */
  readonly ended: Promise<number>;
}

export interface TerminalOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly rows?: number;
}

export function onTerminal(file: string, argv: readonly string[], options: TerminalOptions): OnTerminal {
  const { cwd, env, columns: cols = 100, rows = 40 } = options;
  const screen = new xterm.Terminal({ cols, rows, scrollback: 5_000, allowProposedApi: true });
  const pty = spawn(file, [...argv], {
    name: 'xterm-256color',
    cols,
    rows,
    cwd,
    env: { ...env, TERM: 'xterm-256color' },
  });
  let drawn = Promise.resolve();
  let isCursorShown = true;
  pty.onData((data) => {
    // DECTCEM is the one mode that the emulator does not tell.
    const last = [...data.matchAll(/\u001b\[\?25([hl])/g)].at(-1)?.[1];
    if (last !== undefined) isCursorShown = last === 'h';
    drawn = new Promise((resolve) => screen.write(data, resolve));
  });
  // What the terminal answers to a program that asks it (where the cursor is, what it can do).
  screen.onData((answer) => pty.write(answer));
  const text = (): string => {
    const { active } = screen.buffer;
    const lines: string[] = [];
    for (let line = 0; line < active.length; line += 1) {
      lines.push(active.getLine(line)?.translateToString(true) ?? '');
    }
    return lines.join('\n').trimEnd();
  };
  return {
    text,
    type: (keys) => pty.write(keys),
    resize(columns, rows) {
      screen.resize(columns, rows);
      pty.resize(columns, rows);
    },
    signal: (name) => pty.kill(name),
    window: () => {
      const { active } = screen.buffer;
      return Array.from(
        { length: screen.rows },
        (_, row) => active.getLine(active.baseY + row)?.translateToString(true) ?? '',
      );
    },
    cursorShown: () => isCursorShown,
    async shows(wanted, withinMs = 30_000) {
      const deadline = performance.now() + withinMs;
      while (!text().includes(wanted)) {
        if (performance.now() > deadline)
          throw new Error(`"${wanted}" did not appear. The screen:\n${text()}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    ended: new Promise((resolve) => {
      pty.onExit(({ exitCode }) => {
        void drawn.then(() => resolve(exitCode));
      });
    }),
  };
}
