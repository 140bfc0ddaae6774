/** For Markdown: GitHub and GitLab draw a block of `mermaid`. */
import type { Arrow, BoxKind, Picture } from './picture.ts';

/** Inside quotes everything is text but these; `#...;` is Mermaid's own escape. */
const escaped = (text: string): string =>
  text.replaceAll(/[#"<>&;]/g, (character) => `#${character.charCodeAt(0)};`);

const shapes: Readonly<Record<BoxKind, readonly [string, string]>> = {
  zone: ['([', '])'],
  balancer: ['{{', '}}'],
  service: ['[', ']'],
  hosts: ['[(', ')]'],
};

const lines: Readonly<Record<Arrow['kind'], string>> = {
  traffic: '==>',
  needs: '-.->',
  runs_on: '-->',
  is_on: '-.->',
};

export function renderMermaid({ title, boxes, arrows }: Picture): string {
  const names = new Map(boxes.map(({ id }, at) => [id, `n${at + 1}`]));
  return [
    `%% ${title.replaceAll(/\s/g, ' ')}`,
    'flowchart TB',
    ...boxes.map(({ id, kind, lines: below }) => {
      const [open, close] = shapes[kind];
      return `  ${names.get(id)}${open}"${[id, ...below].map(escaped).join('<br/>')}"${close}`;
    }),
    ...arrows.map(({ from, to, label, kind }) => {
      const text = label.length === 0 ? '' : `|"${label.map(escaped).join('<br/>')}"|`;
      return `  ${names.get(from)} ${lines[kind]}${text} ${names.get(to)}`;
    }),
    '',
  ].join('\n');
}
