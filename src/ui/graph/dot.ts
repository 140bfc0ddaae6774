/** For Graphviz: `deployctl graph prod | dot -Tsvg`. */
import type { Arrow, BoxKind, Picture } from './picture.ts';

const fills: Readonly<Record<BoxKind, string>> = {
  zone: '#fdf3d8',
  balancer: '#e3effb',
  service: '#e6f4e6',
  hosts: '#f1f1f1',
};

const styles: Readonly<Record<Arrow['kind'], string>> = {
  traffic: 'penwidth=2',
  needs: 'style=dashed',
  runs_on: 'color="#777777"',
  is_on: 'color="#777777", style=dotted',
};

const quote = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** `\l` ends a line that stands left. */
const label = (lines: readonly string[]): string =>
  `"${lines.map((line) => `${quote(line).slice(1, -1)}\\l`).join('')}"`;

export function renderDot({ title, boxes, arrows }: Picture): string {
  return [
    `digraph ${quote(title)} {`,
    '  rankdir=TB',
    '  node [shape=box, style="rounded,filled", fontname="monospace", fontsize=11]',
    '  edge [fontname="monospace", fontsize=10]',
    ...boxes.map(
      ({ id, kind, lines }) => `  ${quote(id)} [label=${label([id, ...lines])}, fillcolor="${fills[kind]}"]`,
    ),
    ...arrows.map(
      ({ from, to, label: text, kind }) =>
        `  ${quote(from)} -> ${quote(to)} [label=${label(text)}, ${styles[kind]}]`,
    ),
    '}',
    '',
  ].join('\n');
}
