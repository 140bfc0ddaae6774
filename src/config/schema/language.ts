/** Blocks of the language itself: deployctl, variable, locals, output, module, check, moved, policy; and the table of all. */

import { assertionShape, preconditionShape } from './assertions.ts';
import { dnsZoneShape, hostShape, nameLabel, secretShape, sshShape } from './reaching.ts';
import { releaseShape, runHookShape, serviceShape } from './running.ts';
import {
  any,
  atMostOne,
  defaulted,
  oneOrMore,
  optional,
  type PlainShape,
  required,
  type VariantShape,
} from './shape.ts';
import { persons } from './types/collections.ts';
import { bool, hostCount, instant, percent, whole } from './types/numbers.ts';
import { localPath } from './types/places.ts';
import { anything, raw, written } from './types/references.ts';
import { line, literalText, prose, word } from './types/text.ts';

export const deployctlShape = {
  description: 'Settings of deployctl itself.',
  labels: [],
  arguments: {
    required_version: optional(
      literalText,
      'Versions of deployctl that may be used: `">= 0.1.0, < 2.0.0"`.',
      'any',
    ),
  },
  blocks: {
    state: atMostOne({
      description: 'Where the record of what was deployed is kept. Default: `state "local"`.',
      kindLabel: 'backend',
      labels: [],
      variants: {
        local: {
          description: 'A folder on this machine.',
          arguments: {
            path: optional(localPath, 'The folder, relative to the project.', '`.deployctl/<environment>`'),
          },
        },
        postgres: {
          description: 'A PostgreSQL database, for teams.',
          later: true,
          arguments: {
            url: optional(prose, 'How to connect.', 'the environment of libpq'),
            schema: defaulted(word, 'deployctl', 'The schema of its tables.'),
          },
        },
        http: {
          description: "Terraform's protocol for state over HTTP.",
          later: true,
          arguments: {
            address: required(line, 'The URL of the state.'),
            lock_address: optional(line, 'The URL of the lock.', 'no lock'),
            unlock_address: optional(line, 'The URL that unlocks.', 'no lock'),
            username: optional(line, 'The user name of basic authentication.'),
          },
        },
        s3: {
          description: 'An S3 bucket, with conditional writes.',
          later: true,
          arguments: {
            bucket: required(line, 'The bucket.'),
            key: required(line, 'The name of the object.'),
            region: optional(line, 'The region.'),
            endpoint: optional(line, 'The URL of a service that speaks S3.'),
          },
        },
      },
    } as const satisfies VariantShape),
  },
  example: 'deployctl {\n  required_version = ">= 0.1.0"\n}',
} as const satisfies PlainShape;

export const variableShape = {
  description:
    'A value that is given from outside. The last of these wins: the default, `*.auto.vars.hcl` in the folder, ' +
    '`DEPLOYCTL_VAR_<name>`, `--var-file`, `--var`.',
  labels: [nameLabel],
  arguments: {
    type: optional(
      written('type', 'a type'),
      'The type that values are converted to: `list(string)`.',
      '`any`',
    ),
    description: optional(literalText, 'What it is for.'),
    default: optional(
      { ...anything, evaluation: 'literal' },
      'The value if none is given.',
      'a value must be given',
    ),
    nullable: defaulted(
      { ...bool, evaluation: 'literal' },
      true,
      'Whether null is a value. If not, null stands for the default.',
    ),
    sensitive: defaulted(
      { ...bool, evaluation: 'literal' },
      false,
      'Whether the value, and all that is made of it, is kept from being shown.',
    ),
  },
  blocks: { validation: any(assertionShape('What must be true of a value.')) },
  example: 'variable "version" {\n  type        = string\n  description = "What to run"\n}',
} as const satisfies PlainShape;

export const localsShape = {
  description: 'Names for expressions. `local.x` is the value.',
  labels: [],
  arguments: {},
  freeArguments: 'The name of each argument is the name of a local value.',
  example: 'locals {\n  web = [for h in host.web : h.name]\n}',
} as const satisfies PlainShape;

export const outputShape = {
  description: 'A value to show after apply, and what a module gives to its caller.',
  labels: [nameLabel],
  arguments: {
    value: required(raw('any', 'a value'), 'The value.'),
    description: optional(literalText, 'What it is.'),
    sensitive: defaulted(
      { ...bool, evaluation: 'literal' },
      false,
      'Whether the value is kept from being shown, and from plans and the state.',
    ),
  },
  blocks: { precondition: any(preconditionShape) },
  example: 'output "release" {\n  value = release.shop.version\n}',
} as const satisfies PlainShape;

export const moduleShape = {
  description:
    "A folder of configuration used as one block. Its variables are the block's other arguments, its outputs are " +
    '`module.<name>.<output>`.',
  labels: [nameLabel],
  repeatable: true,
  arguments: {
    source: required(literalText, 'The folder, beginning with `./` or `../`.'),
    depends_on: optional(
      raw('list of references', 'a list of services and modules, such as [service.api]'),
      'Services and modules that must be done before the services in this one begin.',
      'none',
    ),
  },
  freeArguments: "The module's variables.",
  example: 'module "web" {\n  source = "../modules/web"\n  size   = 3\n}',
} as const satisfies PlainShape;

export const checkShape = {
  description: 'Something that should hold. A warning if it does not; nothing is stopped.',
  labels: [nameLabel],
  arguments: {},
  blocks: { assert: oneOrMore(assertionShape('What should be true.')) },
} as const satisfies PlainShape;

export const movedShape = {
  description:
    'Says that what is recorded under one address is now declared under another, so that a new name of a service, a host, a ' +
    'load balancer or a module changes nothing on any host. A service that moved keeps the names that its units, its ' +
    'route and its pools had; the block stays as long as it runs under them.',
  labels: [],
  arguments: {
    from: required(written('address', 'an address'), 'The address before.'),
    to: required(written('address', 'an address'), 'The address now.'),
  },
} as const satisfies PlainShape;

export const policyShape = {
  description: 'What every rollout must keep to. There is at most one.',
  labels: [nameLabel],
  arguments: {
    min_in_service: defaulted(
      percent,
      '0%',
      'How much of the hosts of each service behind a load balancer is in service at every moment: proved from the ' +
        'plan before it runs, and held while it runs.',
    ),
    max_unreachable: optional(
      hostCount,
      'How many hosts of a service may be out of reach for a plan to go on without them: a number, or a share of them, ' +
        'rounded down. They are held, taken out of the pool where it gets new traffic, and in the next plan that sees them.',
      '`0`: a service with a host that cannot be reached is held',
    ),
    max_share_step: optional(
      whole(1, 100, 'whole percent'),
      'The largest share of the requests of a service that one step may move. A first deployment and the way back are not held to it.',
      '`100`',
    ),
    approvals: defaulted(
      whole(0, 100),
      0,
      'How many persons must sign a saved plan (`deployctl approve`) before apply takes it. Its author does not count.',
    ),
    allowed_signers: optional(
      localPath,
      'Who may approve, with their public keys: a file as ssh-keygen reads it (ALLOWED SIGNERS in ssh-keygen(1)).',
      "`allowed_signers` in the environment's folder",
    ),
    actors: optional(
      persons,
      'Who may apply, revert, resume and promote: names of users, or `user@machine`. Pausing and aborting are for everybody. It guards against mistakes; what guards against people is `approvals`.',
      'everybody',
    ),
  },
  blocks: {
    freeze: any({
      description:
        'A time in which nothing is deployed. A revert, and going on with a run that has begun, are always allowed.',
      labels: [],
      arguments: {
        from: required(instant, 'The beginning.'),
        until: required(instant, 'The end.'),
        reason: required(line, 'Why, for those who want to deploy.'),
      },
    } as const satisfies PlainShape),
    precondition: any(preconditionShape),
  },
  example: 'policy "prod" {\n  min_in_service = "75%"\n}',
} as const satisfies PlainShape;

/** Every block that may stand at the top of a file, except `load_balancer`, whose types come from the providers. */
export const topLevelShapes = {
  deployctl: deployctlShape,
  variable: variableShape,
  locals: localsShape,
  output: outputShape,
  secret: secretShape,
  ssh: sshShape,
  host: hostShape,
  dns_zone: dnsZoneShape,
  release: releaseShape,
  service: serviceShape,
  policy: policyShape,
  hook: runHookShape,
  module: moduleShape,
  check: checkShape,
  moved: movedShape,
} as const;
