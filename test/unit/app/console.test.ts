/** What `console` answers in a folder with modules, files and artifacts that nobody reads. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Call } from '../../../src/app/call.ts';
import { systemClock } from '../../../src/app/clock.ts';
import { openConsole } from '../../../src/app/console.ts';
import { temporaryFolder } from '../../rig/state.ts';

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

const put = (path: string, text: string): void => {
  mkdirSync(join(folder.path, path, '..'), { recursive: true });
  writeFileSync(join(folder.path, path), text);
};
const digest = 'abcdef01'.repeat(8);
put('environments/prod/motd.txt', 'of the environment');
put('environments/prod/motd.tftpl', 'port ${port}');
put(
  'environments/prod/main.hcl',
  `module "web" { source = "../modules/web" }
   release "pinned" {
     version  = "1.0.0"
     artifact = "dist/app.tar.gz"
     sha256   = "${digest}"
   }
   release "built" {
     version  = "1.0.0"
     artifact = "dist/app.tar.gz"
   }`,
);
put('environments/modules/web/motd.txt', 'of the module');
put(
  'environments/modules/web/main.hcl',
  'output "motd" { value = file("${path.module}/motd.txt") }\noutput "files" { value = fileset(path.module, "*.txt") }\n',
);

const answer = async (expression: string) => {
  const { evaluate } = await openConsole(
    { environment: undefined, variables: [], variableFiles: [] },
    {
      cwd: folder.path,
      environment: {},
      clock: systemClock,
      toolVersion: '0.1.0',
      call: new Call(['console']),
    },
  );
  const answered = evaluate(expression);
  return answered.ok ? answered.text : answered.diagnostics;
};

test.for([
  ['file("${path.module}/motd.txt")', '"of the environment"'],
  ['file("${path.root}/motd.txt")', '"of the environment"'],
  ['file("motd.txt")', '"of the environment"'],
  ['file("${path.cwd}/environments/prod/motd.txt")', '"of the environment"'],
  ['templatefile("${path.module}/motd.tftpl", { port = 80 })', '"port 80"'],
  ['module.web.motd', '"of the module"'],
  ['module.web.files', 'toset([\n  "motd.txt",\n])'],
  ['release.pinned.sha256', `"${digest}"`],
  ['release.built.sha256', '(known after apply)'],
  ['type("a")', 'string'],
  [
    'type(toset([{ b = [1], a = true }]))',
    'set(\n    object({\n        a: bool,\n        b: tuple([\n            number,\n        ]),\n    }),\n)',
  ],
] as const)('%s is %s', async ([expression, wanted]) => {
  expect(await answer(expression)).toBe(wanted);
});

test.for(['[type(1)]', 'type()', 'type(1, 2)', 'type([1]...)'])(
  '%s is refused: types are no values',
  async (expression) => {
    expect(await answer(expression)).toMatchObject([{ summary: 'Call to unknown function' }]);
  },
);
