/** Which services `--target` and `--exclude` mean. */
import { expect, test } from 'vitest';
import { asAddress } from '../../../src/model/index.ts';
import { selects, unknownTargets } from '../../../src/planner/selection.ts';
import { declare, service } from '../../rig/worlds.ts';

const at = (address: string) => ({ ...service({ name: 'app' }), address: asAddress(address) });
const services = [
  at('module.web["eu"].service.app'),
  at('module.web["us"].service.app'),
  at('service.app["a"]'),
  at('service.apple'),
];
const declared = declare(services);

test.for([
  ['module.web', [0, 1]],
  ['module.web["us"]', [1]],
  ['module.web["us"].service.app', [1]],
  ['service.app', [2]],
  ['service.app["a"].slot["blue"].host["web-1"]', [2]],
  ['service.apple', [3]],
  ['module.we', []],
  ['module', []],
  ['service', []],
] as const)('%s selects %j', ([target, wanted]) => {
  const selection = { targets: [asAddress(target)], excluded: [] };
  const selected = services.filter((each) => selects(selection, declared, each));
  expect(selected).toEqual(wanted.map((index) => services[index]));
  expect(unknownTargets(selection, declared)).toEqual(wanted.length === 0 ? [target] : []);
  const rest = services.filter((each) =>
    selects({ targets: [], excluded: [asAddress(target)] }, declared, each),
  );
  expect(rest).toEqual(services.filter((each) => !selected.includes(each)));
});
