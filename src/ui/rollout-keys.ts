/** What keys do while a run is on the screen: pure, so that no test needs a terminal. */
import type { View } from './fold.ts';

/** What the screen shows beside the run. */
export interface Screen {
  readonly isDetailed: boolean;
  readonly isHelp: boolean;
  /** An abort was asked for and waits for y or n. */
  readonly isConfirming: boolean;
  /** A promotion was asked for and waits for y or n. */
  readonly isPromoting: boolean;
}

export const firstScreen: Screen = {
  isDetailed: false,
  isHelp: false,
  isConfirming: false,
  isPromoting: false,
};

/** `approving`: it goes on, and a canary waits for a person. */
export type KeyMode = View['mode'] | 'approving';

export const keyMode = ({ mode, approvals }: Pick<View, 'mode' | 'approvals'>): KeyMode =>
  mode === 'running' && approvals.length > 0 ? 'approving' : mode;

export interface Key {
  readonly input: string;
  readonly isReturn: boolean;
  readonly isEscape: boolean;
  readonly isControl: boolean;
}

export interface Pressed {
  readonly screen: Screen;
  /** What the run is asked for. `interrupt`: as if the process had got SIGINT, which a raw terminal does not send. */
  readonly ask?: 'pause' | 'continue' | 'abort' | 'promote' | 'interrupt';
}

export function pressKey(screen: Screen, key: Key, mode: KeyMode): Pressed {
  if (key.isControl) return key.input === 'c' ? { screen, ask: 'interrupt' } : { screen };
  if (screen.isConfirming) return answerAbort(screen, key, mode);
  if (screen.isPromoting) return answerPromotion(screen, key, mode);
  if (key.isReturn) return { screen: { ...screen, isDetailed: !screen.isDetailed } };
  if (key.isEscape) return { screen: { ...screen, isHelp: false } };
  switch (key.input) {
    case '?':
      return { screen: { ...screen, isHelp: !screen.isHelp } };
    case 'p':
      // The key that pauses promotes where nothing could be paused: so it asks first, and no second press answers.
      if (mode === 'approving') return { screen: { ...screen, isPromoting: true, isHelp: false } };
      return mode === 'running' ? { screen, ask: 'pause' } : { screen };
    case 'c':
      return mode === 'paused' ? { screen, ask: 'continue' } : { screen };
    case 'a':
      return canAbort(mode) ? { screen: { ...screen, isConfirming: true, isHelp: false } } : { screen };
    default:
      return { screen };
  }
}

export type Wish = NonNullable<Pressed['ask']>;

/**
 * A terminal under load hands over several keys at once. Each counts, with one exception: what comes in the same piece
 * behind the key that opens the question is dropped, so that nothing pasted can both ask and answer.
 */
export function pressKeys(
  screen: Screen,
  key: Key,
  mode: KeyMode,
): { readonly screen: Screen; readonly asks: readonly Wish[] } {
  const inputs = key.isControl || key.isReturn || key.isEscape ? [key.input] : [...key.input];
  const asks: Wish[] = [];
  let now = screen;
  for (const input of inputs) {
    const wasAsking = isAsking(now);
    const pressed = pressKey(now, { ...key, input }, mode);
    now = pressed.screen;
    if (pressed.ask !== undefined) asks.push(pressed.ask);
    if (isAsking(now) && !wasAsking) break;
  }
  return { screen: now, asks };
}

const isAsking = ({ isConfirming, isPromoting }: Screen): boolean => isConfirming || isPromoting;

const canAbort = (mode: KeyMode): boolean => mode === 'running' || mode === 'approving' || mode === 'paused';

/** Only y aborts; any other key is a no. The run may have moved on while the question was on the screen. */
function answerAbort(screen: Screen, key: Key, mode: KeyMode): Pressed {
  const answered = { ...screen, isConfirming: false };
  return key.input === 'y' && canAbort(mode) ? { screen: answered, ask: 'abort' } : { screen: answered };
}

/** Somebody else may have promoted it while the question was on the screen: then there is nothing to promote. */
function answerPromotion(screen: Screen, key: Key, mode: KeyMode): Pressed {
  const answered = { ...screen, isPromoting: false };
  return key.input === 'y' && mode === 'approving'
    ? { screen: answered, ask: 'promote' }
    : { screen: answered };
}
