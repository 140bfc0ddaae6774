/** Blocks that say what there is and how it is reached: ssh, host, load_balancer, dns_zone, secret. */

import { isRefusal } from '../quantities.ts';
import { preconditionShape } from './assertions.ts';
import type { ArgumentType } from './shape.ts';
import {
  any,
  atMostOne,
  defaulted,
  type LabelShape,
  optional,
  type PlainShape,
  required,
  type VariantShape,
} from './shape.ts';
import { command, endpoints, localPaths, textMap, variableName } from './types/collections.ts';
import { bool, duration, port, someTime, whole } from './types/numbers.ts';
import { endpoint, localPath, networkAddress } from './types/places.ts';
import { host, objectOfBlock } from './types/references.ts';
import { secretValue } from './types/secrets.ts';
import { choice, line, word } from './types/text.ts';

export const nameLabel: LabelShape = {
  name: 'name',
  description: 'What references and addresses call it.',
  form: 'identifier',
};

const environmentVariable: ArgumentType<string> = {
  ...line,
  name: 'name of an environment variable',
  wants: 'the name of an environment variable',
  decode: (value) => {
    const text = line.decode(value);
    if (isRefusal(text) || variableName.test(text)) return text;
    return { refused: `"${text}" is not such a name.`, hint: 'Write the name alone, without "$".' };
  },
};

export const secretShape = {
  description:
    'A secret that is read when it is used, and at no other time. It is never in a plan, the state, a log or an ' +
    'argument list. Exactly one of `env`, `file` and `command` says where it is.',
  labels: [nameLabel],
  repeatable: true,
  arguments: {
    env: optional(environmentVariable, 'The environment variable that holds it.'),
    file: optional(localPath, 'The file that holds it; a line break at its end does not count.'),
    command: optional(command, 'A command that prints it.'),
  },
  example: 'secret "tsig" {\n  env = "TSIG_SECRET"\n}',
} as const satisfies PlainShape;

export const sshShape = {
  description: 'How hosts are reached. `ssh "default"` applies to each host that names no other.',
  labels: [nameLabel],
  repeatable: true,
  arguments: {
    user: optional(word, 'The user to log in as.', 'the user who runs deployctl'),
    port: defaulted(port, 22, 'The port of sshd.'),
    identity_file: optional(localPath, 'The private key.', 'the running agent is asked'),
    known_hosts: optional(
      localPaths,
      'The known_hosts file, or several. A host key that is unknown or has changed stops everything before ' +
        'anything is sent.',
      '"~/.ssh/known_hosts"',
    ),
    become: defaulted(
      choice(['sudo', 'none'], { mistakes: { root: 'sudo', true: 'sudo', false: 'none' } }),
      'sudo',
      'How privileged steps run on the host. `"none"` where the user may do everything already.',
    ),
    jump: optional(host, 'The host to go through. A host never goes through itself.'),
    connect_timeout: defaulted(someTime, '5s', 'How long a connection may take to be made.'),
    transport: defaulted(
      choice(['ssh2', 'openssh']),
      'ssh2',
      '`"openssh"` drives the ssh program instead, for certificates and FIDO keys: with ~/.ssh/config for whatever ' +
        'is left at its default here.',
    ),
  },
  example: 'ssh "default" {\n  user          = "deploy"\n  identity_file = "~/.ssh/id_ed25519"\n}',
} as const satisfies PlainShape;

export const hostShape = {
  description:
    'A machine. Its name, which pools, flags and reports use, is the label; with `for_each` it is the key, and with ' +
    '`count` the label and the index: `web-0`. Names are unique in the whole configuration.',
  labels: [nameLabel],
  repeatable: true,
  arguments: {
    address: optional(
      networkAddress,
      'Where SSH connects to, and what balancers and health checks use if `network_address` is not set. Required ' +
        'unless `connection` is `"local"`.',
    ),
    network_address: optional(
      networkAddress,
      'What the other machines call it, where that differs from `address`.',
      '`address`, or `"127.0.0.1"` for a local connection',
    ),
    connection: defaulted(choice(['ssh', 'local']), 'ssh', '`"local"` is this machine, without SSH.'),
    ssh: optional(objectOfBlock('ssh', 'ssh.default'), 'How it is reached.', '`ssh.default`'),
    port: optional(port, 'The port of its sshd.', 'the port of its ssh block'),
    labels: optional(textMap, 'Words to choose hosts by.', 'none'),
  },
  blocks: { precondition: any(preconditionShape) },
  example:
    'host "web" {\n  for_each = { web-1 = "10.0.1.11", web-2 = "10.0.1.12" }\n  address  = each.value\n  labels   = { role = "web" }\n}',
} as const satisfies PlainShape;

export const dnsZoneShape = {
  description: 'A DNS zone whose records deployctl writes.',
  kindLabel: 'type',
  labels: [nameLabel],
  repeatable: true,
  variants: {
    rfc2136: {
      description: 'Written by dynamic update (RFC 2136): BIND, Knot DNS, PowerDNS.',
      arguments: {
        zone: required(line, 'The name of the zone, with the dot at its end.'),
        primary: required(endpoint, 'The server that takes updates.'),
        servers: optional(
          endpoints,
          'Every server whose answer must agree before a step counts as done.',
          'the primary alone',
        ),
        quorum: optional(whole(1, 1000), 'How many of `servers` must agree.', 'all of them'),
        deadline: defaulted(someTime, '60s', 'How long the servers may take to agree after a change.'),
        resolver_min_ttl: defaulted(
          duration,
          '0s',
          'For how long the resolvers of your network keep every answer at least, whatever its TTL says ' +
            '(`cache-min-ttl` of Unbound): no wait for a TTL is shorter.',
        ),
        negative_ttl: optional(
          duration,
          'For how long resolvers remember that a name does not exist: waited for after a record is created.',
          "what the zone's SOA says",
        ),
        strict: defaulted(
          bool,
          false,
          "Each update also requires the zone's serial, so that no other change of the zone, not even of a TTL, can " +
            'come between the look and the write. In a zone that changes all the time, updates are then refused and tried again.',
        ),
      },
      blocks: {
        tsig: atMostOne({
          description: 'The key that signs updates.',
          labels: [],
          arguments: {
            name: required(line, 'The name of the key.'),
            algorithm: defaulted(
              choice(['hmac-sha256', 'hmac-sha384', 'hmac-sha512']),
              'hmac-sha256',
              'The algorithm of the key.',
            ),
            secret: required(secretValue, 'The key itself, in base64.'),
          },
        } as const satisfies PlainShape),
        precondition: any(preconditionShape),
      },
    },
  },
  example:
    'dns_zone "rfc2136" "internal" {\n  zone    = "internal.test."\n  primary = "10.0.0.53:53"\n  servers = ["10.0.0.53:53", "10.0.0.54:53"]\n  tsig {\n    name   = "deployctl."\n    secret = secret.tsig\n  }\n}',
} as const satisfies VariantShape;
