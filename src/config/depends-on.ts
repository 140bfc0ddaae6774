/** Which services a service waits for: references, not values, so that they need not be evaluated. */

import { references } from '../hcl/eval/references.ts';
import type { Expression, Step, Traversal } from '../hcl/syntax/ast.ts';
import type { SourceText } from '../hcl/syntax/source.ts';
import type { Address } from '../model/index.ts';
import { nameOf } from './dependencies.ts';
import type { Reporter } from './evaluation.ts';
import type { ModuleInstance } from './modules.ts';
import { placeOf } from './problems.ts';
import { keyText } from './repetition.ts';
import type { serviceShape } from './schema/running.ts';
import type { Entry, World } from './world.ts';

/** Those that its own `depends_on` names, and those that the blocks of the modules do which it is in. */
export function dependenciesOf(
  { decoded, instance }: Entry<typeof serviceShape>,
  world: World,
  report: Reporter,
): readonly Address[] {
  const own = decoded.args.depends_on;
  const found = new Set(
    own === undefined ? [] : servicesNamed(own, decoded.place.source, instance, world, report),
  );
  for (let { caller } = instance; caller !== undefined; caller = caller.instance.caller) {
    const { call } = caller;
    const written = call.block.body.attributes.find(({ name }) => name === 'depends_on');
    if (written === undefined) continue;
    for (const address of servicesNamed(written.value, call.source, caller.instance, world, report))
      found.add(address);
  }
  return [...found];
}

function servicesNamed(
  expression: Expression,
  source: SourceText,
  instance: ModuleInstance,
  world: World,
  report: Reporter,
): readonly Address[] {
  const refuse = (at: Expression, detail: string, hint?: string): readonly Address[] => {
    report.error(placeOf(source, at), {
      code: 'invalid-depends-on',
      summary: 'Invalid depends_on reference',
      detail,
      hint,
    });
    return [];
  };
  if (expression.kind !== 'tuple') {
    return refuse(
      expression,
      '"depends_on" must be a list of services and modules, written out: it orders them, and is not computed.',
      'For example: depends_on = [service.api, module.web]',
    );
  }
  return expression.items.flatMap((item) => {
    const wanted = item.kind === 'traversal' ? prefixOf(item) : undefined;
    if (wanted === undefined) {
      const [first] = references(item);
      return refuse(
        expression,
        first !== undefined && first.root !== 'service' && first.root !== 'module'
          ? `A service can depend on services and modules only; ${first.root}.${nameOf(first.steps[0]) ?? ''} is something else.`
          : 'Each item of "depends_on" must be a reference to a service or a module, without quotes.',
        'Hosts, releases and load balancers that a service refers to are known without depends_on.',
      );
    }
    const begins = `${instance.prefix}${wanted.text}`;
    const found = world.services.flatMap(({ address }) =>
      address === begins || address.startsWith(`${begins}.`) || address.startsWith(`${begins}[`)
        ? [address]
        : [],
    );
    // A block that stands for none is in order; a key that is none of a block's is a mistake.
    if (found.length > 0 || !wanted.hasKey || world.unread.size > 0) return found;
    return refuse(item, `There is no service at ${begins}.`);
  });
}

/** `service.api`, `module.web["eu"]`; what follows, such as an output, does not matter. */
function prefixOf({ root, steps: [name, key] }: Traversal): { text: string; hasKey: boolean } | undefined {
  const called = name?.kind === 'attributeStep' ? name.name : undefined;
  if ((root !== 'service' && root !== 'module') || called === undefined) return undefined;
  const literal = keyOf(key);
  return { text: `${root}.${called}${keyText(literal)}`, hasKey: literal !== undefined };
}

function keyOf(step: Step | undefined): string | number | undefined {
  if (step?.kind !== 'indexStep') return undefined;
  if (step.key.kind === 'string') return step.key.value;
  return step.key.kind === 'number' ? Number(step.key.text) : undefined;
}
