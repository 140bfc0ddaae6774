/** A picture that every browser shows: one file without scripts, fonts or references to anything outside it. */
import { columns } from '../layout.ts';
import { type Drawn, layOut, type Placed, type Size } from './layers.ts';
import type { Arrow, Box, BoxKind, Picture } from './picture.ts';

/** Of a monospaced font of 12 px; wide enough for those that browsers take. */
const character = 7.4;
const lineHeight = 17;
const labelLine = 14;
const padding = { x: 14, y: 10 } as const;

const looks: Readonly<Record<BoxKind, { readonly fill: string; readonly stroke: string }>> = {
  zone: { fill: '#fdf3d8', stroke: '#c79a1b' },
  balancer: { fill: '#e3effb', stroke: '#3b78b8' },
  service: { fill: '#e6f4e6', stroke: '#3f8f45' },
  hosts: { fill: '#f1f1f1', stroke: '#8a8a8a' },
};

const lines: Readonly<Record<Arrow['kind'], string>> = {
  traffic: 'stroke="#3b78b8" stroke-width="2"',
  needs: 'stroke="#3f8f45" stroke-width="1.4" stroke-dasharray="6 4"',
  runs_on: 'stroke="#8a8a8a" stroke-width="1.2"',
  is_on: 'stroke="#8a8a8a" stroke-width="1.2" stroke-dasharray="2 4"',
};

const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    // Characters that XML 1.0 cannot hold at all.
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd');

const sizeOf = ({ id, lines: below }: Box): Size => ({
  width: Math.max(...[id, ...below].map(columns)) * character + 2 * padding.x,
  height: (below.length + 1) * lineHeight + 2 * padding.y,
});

const round = (value: number): string => String(Math.round(value * 10) / 10);

export function renderSvg(picture: Picture): string {
  const { boxes, arrows, width, height } = layOut(picture, sizeOf);
  const [w, h] = [round(Math.max(width, 160)), round(Math.max(height, 60))];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" role="img" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="12">`,
    `  <title>${escaped(picture.title)}</title>`,
    '  <defs>',
    '    <marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0.5 L7.5 4 L0 7.5 z" fill="#555"/></marker>',
    '  </defs>',
    '  <rect width="100%" height="100%" fill="#fff"/>',
    ...arrows.map(
      ({ arrow, points }) =>
        `  <path d="${pathOf(points)}" fill="none" ${lines[arrow.kind]} marker-end="url(#end)"/>`,
    ),
    ...boxes.map(boxText),
    ...arrows.map((arrow, at) => labelText(arrow, at, Number(w))).filter((text) => text !== ''),
    '</svg>',
    '',
  ].join('\n');
}

/** Leaves and reaches each row straight down. */
function pathOf(points: Drawn['points']): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  let before = first;
  const parts = rest.map((to) => {
    const bend = (to.y - before.y) / 2;
    const text = `C${round(before.x)} ${round(before.y + bend)} ${round(to.x)} ${round(to.y - bend)} ${round(to.x)} ${round(to.y)}`;
    before = to;
    return text;
  });
  return [`M${round(first.x)} ${round(first.y)}`, ...parts].join(' ');
}

function boxText({ box, x, y, width, height }: Placed): string {
  const { fill, stroke } = looks[box.kind];
  const texts = [box.id, ...box.lines].map(
    (line, at) =>
      `<text x="${round(x + padding.x)}" y="${round(y + padding.y + at * lineHeight + 12.5)}" xml:space="preserve"${at === 0 ? ' font-weight="bold"' : ''}>${escaped(line)}</text>`,
  );
  return `  <g><rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="6" fill="${fill}" stroke="${stroke}"/>${texts.join('')}</g>`;
}

/** In the gap above the box that the arrow points to, where arrows of one box are already apart. */
function labelText({ arrow: { label }, points }: Drawn, at: number, pictureWidth: number): string {
  const [to, from] = [points.at(-1), points.at(-2)];
  if (label.length === 0 || to === undefined || from === undefined) return '';
  // Neighbours stand at two heights, so that long labels do not lie on each other.
  const part = at % 2 === 0 ? 0.4 : 0.66;
  const ease = part * part * (3 - 2 * part);
  const width = Math.max(...label.map(columns)) * character * 0.92 + 8;
  const height = label.length * labelLine + 3;
  const wanted = from.x + (to.x - from.x) * ease;
  const x = Math.min(Math.max(wanted, width / 2 + 4), pictureWidth - width / 2 - 4);
  const top = from.y + (to.y - from.y) * part - height / 2;
  const texts = label.map(
    (line, row) =>
      `<text x="${round(x)}" y="${round(top + 12 + row * labelLine)}" text-anchor="middle" fill="#444">${escaped(line)}</text>`,
  );
  return `  <g font-size="11"><rect x="${round(x - width / 2)}" y="${round(top)}" width="${round(width)}" height="${round(height)}" rx="3" fill="#fff" fill-opacity="0.9"/>${texts.join('')}</g>`;
}
