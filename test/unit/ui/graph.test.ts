/** The picture of a configuration, in its three formats. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { renderDot } from '../../../src/ui/graph/dot.ts';
import { layOut } from '../../../src/ui/graph/layers.ts';
import { renderMermaid } from '../../../src/ui/graph/mermaid.ts';
import { type Picture, pictureOf } from '../../../src/ui/graph/picture.ts';
import { renderSvg } from '../../../src/ui/graph/svg.ts';
import { loadText } from '../config/folder.ts';

const golden = (name: string): string => join(import.meta.dirname, '../../golden/ui', name);

const service = (name: string, more: string): string => `
service "${name}" {
  release = release.r
  install { root = "/srv/${name}" }
  process "exec" { command = ["x"] }
  health "tcp" {
    port = 80
  }
${more}
}
`;

const blueGreen = (balancer: string, port: number, blue: string, green: string): string => `
  slot "blue" {
    hosts = ${blue}
    port  = ${port}
  }
  slot "green" {
    hosts = ${green}
    port  = ${port + 1}
  }
  traffic "load_balancer" { load_balancer = load_balancer.${balancer} }
  strategy "blue_green" {}`;

const shopAndApi = `
host "lb" {
  count   = 2
  address = "10.0.0.\${count.index + 5}"
}
host "web" {
  for_each = { for n in range(1, 13) : "web-\${n}" => "10.0.1.\${n}" }
  address  = each.value
}
host "db-1" { address = "10.0.2.1" }
load_balancer "haproxy" "edge" {
  hosts    = host.lb
  map_file = "/etc/haproxy/edge.map"
}
load_balancer "haproxy" "inner" {
  hosts    = [host.lb[0]]
  map_file = "/etc/haproxy/inner.map"
}
release "r" {
  version  = "1.2.3"
  artifact = "a.tar.gz"
}
${service('shop', `  depends_on = [service.api]${blueGreen('edge', 8081, '["web-1", "web-2"]', '["web-3", "web-4", "web-5"]')}`)}
${service('api', `  depends_on = [service.store]${blueGreen('inner', 9081, '[for h in host.web : h.name]', '[for h in host.web : h.name]')}`)}
${service('store', '  slot "only" {\n    hosts = ["db-1"]\n  }\n  strategy "in_place" {}')}
`;

async function picture(): Promise<Picture> {
  const { declared, diagnostics } = await loadText(shopAndApi);
  if (declared === undefined) throw new Error(JSON.stringify(diagnostics));
  return pictureOf(declared);
}

test('dot and mermaid read as their golden files', async () => {
  await expect(renderDot(await picture())).toMatchFileSnapshot(golden('graph.dot'));
  await expect(renderMermaid(await picture())).toMatchFileSnapshot(golden('graph.mermaid'));
});

test('every arrow points down, and no two boxes touch', async () => {
  const { boxes, arrows, width, height } = layOut(await picture(), () => ({ width: 200, height: 50 }));
  for (const { arrow, points } of arrows) {
    const heights = points.map(({ y }) => y);
    expect({ arrow, heights }).toEqual({ arrow, heights: heights.toSorted((a, b) => a - b) });
    expect(new Set(heights).size).toBeGreaterThan(1);
  }
  for (const [at, one] of boxes.entries()) {
    expect(one.x).toBeGreaterThanOrEqual(0);
    expect(one.x + one.width).toBeLessThanOrEqual(width);
    expect(one.y + one.height).toBeLessThanOrEqual(height);
    for (const other of boxes.slice(at + 1)) {
      const areApart =
        one.x + one.width < other.x ||
        other.x + other.width < one.x ||
        one.y + one.height < other.y ||
        other.y + other.height < one.y;
      expect({ one: one.box.id, other: other.box.id, areApart }).toMatchObject({ areApart: true });
    }
  }
});

test('svg holds every word once for each box, and nothing from outside', async () => {
  const shown = await picture();
  const svg = renderSvg(shown);
  for (const { id, lines } of shown.boxes) {
    for (const line of [id, ...lines]) expect(svg).toContain(`>${line}</text>`);
  }
  expect(svg.match(/<path /g)).toHaveLength(shown.arrows.length + 1);
  expect(svg).not.toMatch(/href|<script|<style|url\((?!#)/);
});

describe('names that mean something to the format are only text', () => {
  const evil = '"</text><script>alert(1)</script>&]) \\';
  const shown: Picture = {
    title: evil,
    boxes: [
      { id: 'service.a', kind: 'service', lines: [evil] },
      { id: evil, kind: 'hosts', lines: [] },
    ],
    arrows: [{ from: 'service.a', to: evil, label: [evil], kind: 'runs_on' }],
  };

  test('svg', () => {
    const svg = renderSvg(shown);
    expect(svg).not.toContain('<script');
    expect(svg.match(/&lt;script&gt;/g)).toHaveLength(4);
  });

  test('dot', () => {
    const strings = renderDot(shown).replaceAll(/"(?:[^"\\]|\\.)*"/g, '');
    expect(strings).not.toMatch(/script|"/);
  });

  test('mermaid', () => {
    const [, ...lines] = renderMermaid(shown).split('\n');
    expect(lines.join('\n').replaceAll(/"[^"]*"/g, '')).not.toContain('script');
    expect(lines.join('\n')).not.toMatch(/<(?!br\/>)/);
  });

  test('of nothing there is an empty picture', () => {
    expect(renderSvg({ title: 'empty', boxes: [], arrows: [] })).toContain('viewBox="0 0 160 60"');
  });
});
