import type { Address } from './words.ts';

const moduleStep = /(?:^|\.)module\.[^.[]+(?:\[(?:"((?:[^"\\]|\\.)*)"|(\d+))\])?/g;
const serviceStep = /(?:^|\.)service\.([^.[]+)(?:\[(?:"((?:[^"\\]|\\.)*)"|(\d+))\])?$/;

/**
 * What a service is called where only a word will do, such as a unit: of `module.web["a"].service.shop["x"]` it is
 * `shop-x-a`. The same as the `name` that the configuration gives it, so that both can be used for one thing.
 */
export function serviceName(address: Address): string {
  const [, name, text, index] = serviceStep.exec(address) ?? [];
  if (name === undefined) return address;
  const keys = [...address.matchAll(moduleStep)].map((match) => match[1] ?? match[2]);
  return [name, text ?? index, ...keys.toReversed()].filter((part) => part !== undefined).join('-');
}
