/** The keys of a run on a terminal, as they are told. */
import { visible } from '../model/visible.ts';
import type { View } from './fold.ts';
import { clip } from './layout.ts';
import type { Paint } from './paint.ts';
import { keyMode, type Screen } from './rollout-keys.ts';
import { symbols } from './rollout-lines.ts';
import { counted, listText } from './time-text.ts';

/** The last line: the keys of this moment, or a question. */
export function footerLine(view: View, screen: Screen, width: number, paint: Paint): string {
  if (screen.isConfirming) {
    const undone = view.stepsWithWayBack === 0 ? '' : `, and undo ${undoText(view)}`;
    return paint.bold(clip(` Abort${undone}?  y yes   n no`, width));
  }
  if (screen.isPromoting) {
    return paint.bold(clip(` Promote ${waitingText(view)}?  y yes   n no`, width));
  }
  const mode = keyMode(view);
  const keys = [
    ...(mode === 'running' ? ['p pause'] : []),
    ...(mode === 'approving' ? ['p promote'] : []),
    ...(view.mode === 'paused' ? ['c continue'] : []),
    ...(view.mode === 'running' || view.mode === 'paused' ? [`a abort (undoes ${undoText(view)})`] : []),
    screen.isDetailed ? 'enter less' : 'enter details',
    '? help',
  ];
  return paint.dim(clip(` ${keys.join('   ')}`, width));
}

/** `shop from 50%`: who waits for a person. */
export const waitingText = ({ approvals }: Pick<View, 'approvals'>): string =>
  listText(
    approvals.map(
      ({ service, sharePercent }) => `${visible(service).replace(/^service\./, '')} from ${sharePercent}%`,
    ),
  );

const undoText = ({ stepsWithWayBack }: View): string =>
  stepsWithWayBack === 0 ? 'nothing' : counted(stepsWithWayBack, 'step');

/** What the keys do, and what the symbols and columns say. */
export function helpLines(width: number, room: number): readonly string[] {
  const signs = (['done', 'running', 'waiting', 'failed', 'undone'] as const).map(
    (state) => `${symbols[state]} ${state}`,
  );
  return [
    ' p       pause: what is in hand goes on, nothing new starts',
    '         promote, where a canary waits for a person (asks first)',
    ' c       continue after a pause',
    ' a       abort: finish what is in hand, then undo everything that was done (asks first)',
    ' enter   show or hide what hooks and processes print',
    ' Ctrl-C  stop after the steps in hand; the run can be resumed. Twice: stop at once',
    ' ?       back to the run',
    '',
    ` ${listText(signs)}`,
    ' share   of the requests of the last second; of a canary, beside it what it is to have',
    ' mean    time to the first byte, as the balancer averages it; it tells no percentiles',
  ]
    .slice(0, room)
    .map((line) => clip(line, width));
}
