import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const nobody = 4_000_123;
const module = new URL('../../../src/app/operator.ts', import.meta.url).href;
const program = `process.setgroups([]); process.setgid(${nobody}); process.setuid(${nobody});
import(${JSON.stringify(module)}).then(({ operatorName }) => console.log(operatorName({ USER: 'ci' }), operatorName({})));`;

// Only root may become somebody else.
test.runIf(process.getuid?.() === 0)('an account without a name is who USER says, or nobody known', () => {
  const said = execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' });
  expect(said).toBe('ci unknown\n');
});
