/** Input that nobody writes, and that must end in bounded time with words. */
import { expect, test } from 'vitest';
import { loadText } from './folder.ts';

/** Of work, not of the clock: others may keep the machine busy. */
const within = async (ms: number, work: () => Promise<void>): Promise<void> => {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(ms);
};

test('a chain of 20,000 local values is as good as a short one', () =>
  within(20_000, async () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => `v${i} = local.v${i + 1}`);
    const { declared } = await loadText(
      `locals {\n${chain.join('\n')}\nv20000 = "end"\n}\noutput "v" {\n  value = local.v0\n}\n`,
    );
    expect(declared?.outputs.v?.value).toBe('end');
  }));

test('a circle of 5,000 local values is one error', () =>
  within(20_000, async () => {
    const chain = Array.from({ length: 5_000 }, (_, i) => `v${i} = local.v${(i + 1) % 5_000}`);
    const { diagnostics } = await loadText(`locals {\n${chain.join('\n')}\n}\n`);
    expect(diagnostics.map(({ code }) => code)).toEqual(['reference-cycle']);
    expect(diagnostics[0]?.detail.length).toBeLessThan(2_000);
  }));

test('a million hosts are refused before they are made', () =>
  within(5_000, async () => {
    const { diagnostics } = await loadText('host "web" {\n  count = 1000000\n  address = "10.0.0.1"\n}\n');
    expect(diagnostics).toMatchObject([{ code: 'invalid-count' }]);
  }));

test('a thousand hosts with the same mistake are one error', async () => {
  const { diagnostics } = await loadText(
    'host "web" {\n  count = 1000\n  address = "no address at all"\n}\n',
  );
  expect(diagnostics).toHaveLength(1);
});

test('values that double again and again stop at the limit', () =>
  within(30_000, async () => {
    const doubling = Array.from({ length: 60 }, (_, i) => `v${i + 1} = "\${local.v${i}}\${local.v${i}}"`);
    const { diagnostics } = await loadText(`locals {\nv0 = "x"\n${doubling.join('\n')}\n}\n`);
    expect(diagnostics.length).toBeGreaterThan(0);
    expect(diagnostics.length).toBeLessThan(10);
  }));

test.for(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
  'the name %s is a name like any other',
  async (name) => {
    const text = `${name} "x" {}\nlocals {\n  ${name} = 1\n}\nhost "${name}" {\n  ${name} = 1\n  address = "10.0.0.1"\n  labels = { ${name} = "a" }\n}\noutput "${name}" {\n  value = local.${name}\n}\n`;
    const { diagnostics } = await loadText(text);
    expect(diagnostics.map(({ code }) => code)).toEqual(['unsupported-block-type', 'unsupported-argument']);
    const sound = await loadText(
      `variable "${name}" {\n  default = { ${name} = "a" }\n}\noutput "${name}" {\n  value = var.${name}\n}\nhost "web" {\n  address = "10.0.0.1"\n  labels = { ${name} = "a", b = "c" }\n}\n`,
    );
    expect(sound.diagnostics).toEqual([]);
    expect(Object.keys(sound.declared?.outputs ?? {})).toEqual([name]);
    expect(Object.entries(sound.declared?.hosts[0]?.labels ?? {}).toSorted()).toEqual(
      [
        [name, 'a'],
        ['b', 'c'],
      ].toSorted(),
    );
  },
);

test('terminal sequences in a configuration do not reach the terminal', async () => {
  const { diagnostics } = await loadText('host "web" {\n  address = "\\u001b[31mred"\n}\n');
  expect(diagnostics).toHaveLength(1);
  expect(diagnostics[0]?.detail).not.toContain('\u001b');
});
