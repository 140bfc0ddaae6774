import { AddressFailure, addressText, maskText, type Prefix, parsePrefix, prefixText } from '../ip.ts';
import { listType, STRING } from '../types.ts';
import type { Value } from '../values.ts';
import { list, string } from '../values.ts';
import { argument, bigOf, numberParameter, textOf, textParameter, wholeOf } from './arguments.ts';
import type { FunctionDefinition } from './definition.ts';
import { discreet, FunctionFailure } from './definition.ts';

/** The prefix of the first argument; blames the argument itself where Terraform does. */
function prefixOf(args: readonly Value[], blame?: number): Prefix {
  try {
    return parsePrefix(textOf(args, 0));
  } catch (failure) {
    if (!(failure instanceof AddressFailure)) throw failure;
    throw new FunctionFailure(`invalid CIDR expression: ${failure.message}`, blame);
  }
}

function wholeNumber(args: readonly Value[], index: number): bigint {
  const value = bigOf(argument(args, index));
  if (value === undefined) throw discreet('value must be a whole number');
  return value;
}

const cidrhost: FunctionDefinition = {
  name: 'cidrhost',
  family: 'network',
  summary: 'The address of a host in a network, counted from its first address or, when negative, its last.',
  parameters: [textParameter('prefix'), numberParameter('hostnum')],
  returns: STRING,
  call: (args) => {
    const host = wholeNumber(args, 1);
    const prefix = prefixOf(args);
    const size = 1n << BigInt(prefix.bits - prefix.length);
    const number = host < 0n ? size + host : host;
    if (number >= size || number < 0n) {
      throw new FunctionFailure(`prefix of ${prefix.length} does not accommodate a host numbered ${number}`);
    }
    return string(addressText({ ...prefix, address: prefix.address + number }));
  },
};

const cidrnetmask: FunctionDefinition = {
  name: 'cidrnetmask',
  family: 'network',
  summary: 'The mask of an IPv4 network, as an address.',
  parameters: [textParameter('prefix')],
  returns: STRING,
  call: (args) => {
    const prefix = prefixOf(args);
    if (prefix.bits !== 32) {
      throw new FunctionFailure(`IPv6 addresses cannot have a netmask: ${textOf(args, 0)}`);
    }
    return string(maskText(prefix));
  },
};

const cidrsubnet: FunctionDefinition = {
  name: 'cidrsubnet',
  family: 'network',
  summary: 'A part of a network, by how many bits longer its prefix is and its number among those.',
  parameters: [textParameter('prefix'), numberParameter('newbits'), numberParameter('netnum')],
  returns: STRING,
  call: (args) => {
    const added = wholeOf(args, 1);
    const which = wholeNumber(args, 2);
    const prefix = prefixOf(args);
    const length = prefix.length + added;
    if (length < 0) throw new FunctionFailure('a network cannot be larger than all addresses', 1);
    if (length > prefix.bits) {
      throw new FunctionFailure(
        `insufficient address space to extend prefix of ${prefix.length} by ${added}`,
      );
    }
    const count = 1n << BigInt(Math.max(added, 0));
    if (which >= count) {
      throw new FunctionFailure(
        `prefix extension of ${added} does not accommodate a subnet numbered ${which}`,
      );
    }
    // Terraform takes negative numbers, too, and makes nonsense of them; rather refuse.
    if (which < 0n) throw new FunctionFailure('the number of the subnet must not be negative', 2);
    const address = prefix.address + (which << BigInt(prefix.bits - length));
    return string(prefixText({ ...prefix, address, length }));
  },
};

const MAX_ADDED = 32;

const cidrsubnets: FunctionDefinition = {
  name: 'cidrsubnets',
  family: 'network',
  summary: 'Parts of a network one after the other, by how many bits longer the prefix of each is.',
  parameters: [textParameter('prefix')],
  variadic: numberParameter('newbits'),
  returns: listType(STRING),
  call: (args) => {
    const prefix = prefixOf(args, 0);
    const end = prefix.address + (1n << BigInt(prefix.bits - prefix.length));
    let next = prefix.address;
    let previous = prefixText(prefix);
    const subnets: Value[] = [];
    for (let i = 1; i < args.length; i++) {
      const added = wholeOf(args, i, { argument: i });
      if (added < 1) throw discreet('must extend prefix by at least one bit', i);
      if (added > MAX_ADDED) throw discreet(`may not extend prefix by more than ${MAX_ADDED} bits`, i);
      const length = prefix.length + added;
      if (length > prefix.bits) {
        const protocol = prefix.bits === 32 ? 'IPv4' : 'IPv6';
        throw new FunctionFailure(
          `would extend prefix to ${length} bits, which is too long for an ${protocol} address`,
          i,
        );
      }
      const size = 1n << BigInt(prefix.bits - length);
      const address = ((next + size - 1n) / size) * size;
      if (address + size > end) {
        throw new FunctionFailure(
          `not enough remaining address space for a subnet with a prefix of ${length} bits after ${previous}`,
          i,
        );
      }
      previous = prefixText({ ...prefix, address, length });
      subnets.push(string(previous));
      next = address + size;
    }
    return list(subnets, STRING);
  },
};

export const NETWORK_FUNCTIONS: readonly FunctionDefinition[] = [
  cidrhost,
  cidrnetmask,
  cidrsubnet,
  cidrsubnets,
];
