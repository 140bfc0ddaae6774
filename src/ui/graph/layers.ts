/**
 * Places boxes in rows, so that every arrow points down: zones, balancers, services in the order in which they need each
 * other, hosts. An arrow over several rows gets a bend in each row between, which takes its place like a narrow box.
 */
import type { Arrow, Box, Picture } from './picture.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Placed {
  readonly box: Box;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Drawn {
  readonly arrow: Arrow;
  /** From the lower edge of one box to the upper edge of the other, with the bends between. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Layout extends Size {
  readonly boxes: readonly Placed[];
  readonly arrows: readonly Drawn[];
}

const gap = { x: 48, y: 84 } as const;
const bendWidth = 16;
const margin = 24;
/** Sweeps over the rows to bring neighbours near each other; more change nothing that is seen. */
const sweeps = 8;

interface Item {
  readonly key: string;
  readonly box: Box | undefined;
  readonly row: number;
  readonly width: number;
  readonly height: number;
  readonly above: Item[];
  readonly below: Item[];
  x: number;
}

export function layOut(picture: Picture, sizeOf: (box: Box) => Size): Layout {
  const rows = rowsOf(picture);
  const items = new Map<string, Item>();
  for (const box of picture.boxes) {
    items.set(box.id, item(box.id, rows.get(box.id) ?? 0, sizeOf(box), box));
  }
  const chains = picture.arrows.flatMap((arrow, at) => chainOf(arrow, at, items));
  const lines = inRows([...items.values()]);
  orderRows(lines);
  placeRows(lines);
  const heights = lines.map((line) => Math.max(0, ...line.map(({ height }) => height)));
  const tops = heights.map(
    (_, at) => margin + heights.slice(0, at).reduce((sum, each) => sum + each + gap.y, 0),
  );
  const topOf = ({ row }: Item): number => tops[row] ?? 0;
  const left = Math.min(...[...items.values()].map((each) => each.x - each.width / 2));
  const shift = margin - left;
  return {
    boxes: [...items.values()].flatMap((each) =>
      each.box === undefined
        ? []
        : [
            {
              box: each.box,
              x: each.x - each.width / 2 + shift,
              y: topOf(each),
              width: each.width,
              height: each.height,
            },
          ],
    ),
    arrows: chains.map(({ arrow, items: chain }) => ({
      arrow,
      points: pointsOf(chain, topOf, heights, shift),
    })),
    width: Math.max(...[...items.values()].map((each) => each.x + each.width / 2)) + shift + margin,
    height: (tops.at(-1) ?? 0) + (heights.at(-1) ?? 0) + margin,
  };
}

const item = (key: string, row: number, size: Size, box: Box | undefined): Item => ({
  key,
  row,
  ...size,
  box,
  above: [],
  below: [],
  x: 0,
});

/** Services that need others stand above them; the language has refused circles. */
function rowsOf({ boxes, arrows }: Picture): ReadonlyMap<string, number> {
  const depths = new Map<string, number>();
  const needs = Map.groupBy(
    arrows.filter(({ kind }) => kind === 'needs'),
    ({ to }) => to,
  );
  const depthOf = (id: string): number => {
    const known = depths.get(id);
    if (known !== undefined) return known;
    depths.set(id, 0);
    const depth = Math.max(-1, ...(needs.get(id) ?? []).map(({ from }) => depthOf(from))) + 1;
    depths.set(id, depth);
    return depth;
  };
  const deepest = Math.max(0, ...boxes.filter(({ kind }) => kind === 'service').map(({ id }) => depthOf(id)));
  const raw = new Map(
    boxes.map(({ id, kind }) => {
      const row =
        kind === 'zone' ? 0 : kind === 'balancer' ? 1 : kind === 'service' ? 2 + depthOf(id) : 3 + deepest;
      return [id, row];
    }),
  );
  const used = [...new Set(raw.values())].toSorted((a, b) => a - b);
  return new Map([...raw].map(([id, row]) => [id, used.indexOf(row)]));
}

/** The items from one end of an arrow to the other; bends are made on the way. */
function chainOf(
  arrow: Arrow,
  at: number,
  items: Map<string, Item>,
): readonly { readonly arrow: Arrow; readonly items: readonly Item[] }[] {
  const [from, to] = [items.get(arrow.from), items.get(arrow.to)];
  if (from === undefined || to === undefined) return [];
  const bends = Array.from({ length: Math.max(0, to.row - from.row - 1) }, (_, index) => {
    const bend = item(`${at}/${index}`, from.row + 1 + index, { width: bendWidth, height: 0 }, undefined);
    items.set(bend.key, bend);
    return bend;
  });
  const chain = [from, ...bends, to];
  for (const [index, each] of chain.entries()) {
    const next = chain[index + 1];
    if (next === undefined) continue;
    each.below.push(next);
    next.above.push(each);
  }
  return [{ arrow, items: chain }];
}

function inRows(items: readonly Item[]): Item[][] {
  const rows: Item[][] = [];
  for (const each of items) {
    rows[each.row] ??= [];
    rows[each.row]?.push(each);
  }
  return rows;
}

/** By the mean place of what is above, then of what is below, again and again: the barycenter heuristic. */
function orderRows(rows: Item[][]): void {
  const placesOf = (row: readonly Item[]): ReadonlyMap<Item, number> =>
    new Map(row.map((each, at) => [each, at]));
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    const isDown = sweep % 2 === 0;
    const order = isDown ? rows.keys().toArray() : rows.keys().toArray().toReversed();
    for (const at of order) {
      const row = rows[at] ?? [];
      const neighbours = placesOf(rows[isDown ? at - 1 : at + 1] ?? []);
      const own = placesOf(row);
      const weight = (each: Item): number => {
        const near = (isDown ? each.above : each.below).map((other) => neighbours.get(other) ?? 0);
        return near.length === 0 ? (own.get(each) ?? 0) : mean(near);
      };
      const weights = new Map(row.map((each) => [each, weight(each)]));
      rows[at] = row.toSorted((a, b) => (weights.get(a) ?? 0) - (weights.get(b) ?? 0));
    }
  }
}

/** Beside each other without touching, each as near as may be to the middle of its neighbours. */
function placeRows(rows: readonly (readonly Item[])[]): void {
  for (const row of rows) pack(row, 0);
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    const order = sweep % 2 === 0 ? rows : rows.toReversed();
    for (const row of order) {
      for (const each of row) {
        const near = [...each.above, ...each.below].map(({ x }) => x);
        if (near.length > 0) each.x = mean(near);
      }
      spread(row);
    }
  }
}

function pack(row: readonly Item[], middle: number): void {
  const width = row.reduce((sum, each) => sum + each.width + gap.x, -gap.x);
  let x = middle - width / 2;
  for (const each of row) {
    each.x = x + each.width / 2;
    x += each.width + gap.x;
  }
}

/** Pushes apart what overlaps, keeping the order and the middle of the row. */
function spread(row: readonly Item[]): void {
  const wanted = mean(row.map(({ x }) => x));
  let right = Number.NEGATIVE_INFINITY;
  for (const each of row) {
    each.x = Math.max(each.x, right + each.width / 2);
    right = each.x + each.width / 2 + gap.x;
  }
  const shift = wanted - mean(row.map(({ x }) => x));
  for (const each of row) each.x += shift;
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, each) => sum + each, 0) / values.length;

/** Arrows at the same edge of a box stand side by side, in the order of where they go. */
function pointsOf(
  chain: readonly Item[],
  topOf: (item: Item) => number,
  heights: readonly number[],
  shift: number,
): Drawn['points'] {
  return chain.flatMap((each, at) => {
    const [before, after] = [chain[at - 1], chain[at + 1]];
    const top = topOf(each);
    if (each.box === undefined) {
      const bottom = top + (heights[each.row] ?? 0);
      return [
        { x: each.x + shift, y: top },
        { x: each.x + shift, y: bottom },
      ];
    }
    const place = after === undefined ? port(each, each.above, before) : port(each, each.below, after);
    return [{ x: place + shift, y: after === undefined ? top : top + each.height }];
  });
}

function port(of: Item, neighbours: readonly Item[], neighbour: Item | undefined): number {
  const order = neighbours.toSorted((a, b) => a.x - b.x);
  const at = neighbour === undefined ? 0 : order.indexOf(neighbour);
  const step = Math.min(40, of.width / (order.length + 1));
  return of.x + (at - (order.length - 1) / 2) * step;
}
