/** The run on a terminal: Ink draws the lines of rollout-view.ts and hands keys on. It decides nothing. */
import { Box, render, Text, useInput, useWindowSize } from 'ink';
import { useRef, useState, useSyncExternalStore } from 'react';
import type { Clock, Diagnostic, Event } from '../model/index.ts';
import { renderDiagnostic } from './diagnostic.ts';
import { createFeed, type Feed } from './feed.ts';
import type { Pasteable } from './pasteable.ts';
import { firstScreen, keyMode, pressKeys, type Wish } from './rollout-keys.ts';
import { finalLines, rolloutLines } from './rollout-view.ts';
import { renderSummary } from './summary-text.ts';

/** What the keys can ask of the run. */
export interface RolloutControl {
  request(
    request:
      | { readonly kind: 'pause' | 'abort'; readonly by: string; readonly reason: string }
      | { readonly kind: 'continue'; readonly by: string }
      | { readonly kind: 'promote'; readonly by: string; readonly full: boolean },
  ): void;
  interrupt(by: string, signal: string): void;
}

export interface RolloutOptions {
  readonly control: RolloutControl;
  /** Who sits at the keys: `kim@laptop`. */
  readonly who: string;
  readonly stdout: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
  readonly clock: Pick<Clock, 'now'>;
  /** Default: yes. */
  readonly color?: boolean;
  /** Frames what went wrong; without it, in the frame that shows no lines of source. */
  readonly frame?: (diagnostic: Diagnostic) => string;
  /** Fills in the commands that are told; without it the environment is called by its name. */
  readonly pasteable?: Pasteable;
}

export interface MountedRollout {
  event(event: Event): void;
  /** Takes the moving picture away and leaves the ladder and the closing words as plain text. Resolves when the terminal is as it was. */
  end(): Promise<void>;
}

/** Ten pictures a second: more is not seen, and costs the run. */
const tickMs = 100;

export function mountRollout(options: RolloutOptions): MountedRollout {
  const { control, who, stdout, stdin, clock, color = true } = options;
  const feed = createFeed(() => clock.now());
  const ask = (wish: Wish): void => {
    if (wish === 'interrupt') control.interrupt(who, 'SIGINT');
    else if (wish === 'continue') control.request({ kind: 'continue', by: who });
    else if (wish === 'promote') control.request({ kind: 'promote', by: who, full: false });
    else control.request({ kind: wish, by: who, reason: `${wish} asked for at the terminal` });
  };
  const instance = render(<Rollout feed={feed} color={color} ask={ask} pasteable={options.pasteable} />, {
    stdout,
    stdin,
    exitOnCtrlC: false,
    patchConsole: false,
    maxFps: 10,
    incrementalRendering: true,
    // Ink would fall silent where CI is set, though the terminal is one: the command has decided that it is.
    interactive: true,
  });
  const timer = setInterval(() => feed.tick(), tickMs);
  return {
    event: (event) => feed.event(event),
    async end() {
      clearInterval(timer);
      instance.rerender(<Text> </Text>);
      instance.clear();
      instance.unmount();
      await instance.waitUntilExit();
      const view = feed.view();
      const width = stdout.columns;
      const {
        frame = (diagnostic) => renderDiagnostic(diagnostic, { color, width, sources: () => undefined }),
        pasteable,
      } = options;
      const ladder =
        view.run === undefined ? '' : `${finalLines(view, { width, color, now: clock.now() }).join('\n')}\n`;
      const closing = renderSummary(view, {
        color,
        width,
        frame,
        ...(pasteable === undefined ? {} : { pasteable }),
      });
      stdout.write(ladder + (closing === '' ? '' : `${closing}\n`));
    },
  };
}

export interface RolloutProps {
  readonly feed: Pick<Feed, 'subscribe' | 'current'>;
  readonly color: boolean;
  readonly ask: (wish: Wish) => void;
  readonly pasteable?: Pasteable | undefined;
  /** Default: the terminal's own. */
  readonly size?: { readonly columns: number; readonly rows: number };
}

export function Rollout({ feed, color, ask, pasteable, size }: RolloutProps) {
  const { view, now } = useSyncExternalStore(feed.subscribe, feed.current);
  const [screen, setScreen] = useState(firstScreen);
  // Keys can come faster than pictures: each must see what the one before it did.
  const latest = useRef(firstScreen);
  const terminal = useWindowSize();
  const { columns, rows } = size ?? terminal;
  useInput((input, { ctrl: isControl, return: isReturn, escape: isEscape }) => {
    const pressed = pressKeys(latest.current, { input, isReturn, isEscape, isControl }, keyMode(view));
    latest.current = pressed.screen;
    setScreen(pressed.screen);
    for (const wish of pressed.asks) ask(wish);
  });
  // One row stays free: a picture as high as the terminal makes it scroll with each redraw.
  const lines = rolloutLines(view, { width: columns, height: rows - 1, color, now, screen, pasteable });
  return (
    <Box flexDirection="column">
      {lines.map((line, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place on the screen
        <Text key={row} wrap="truncate">
          {line === '' ? ' ' : line}
        </Text>
      ))}
    </Box>
  );
}
