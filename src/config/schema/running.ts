/** Blocks that say what runs where: release, and service with everything in it except its strategy. */

import { preconditionShape } from './assertions.ts';
import { nameLabel } from './reaching.ts';
import {
  any,
  atMostOne,
  defaulted,
  one,
  oneOrMore,
  optional,
  type PlainShape,
  required,
  type VariantShape,
} from './shape.ts';
import { strategyShape } from './strategies.ts';
import { command, commandOrScript, lineListMap, wordMap } from './types/collections.ts';
import { port, someTime, whole } from './types/numbers.ts';
import { hostFolder, localPath, networkAddress, urlPath } from './types/places.ts';
import { hosts, objectOfBlock, raw } from './types/references.ts';
import { environmentMap } from './types/secrets.ts';
import { choice, cookieName, line, prose, sha256, version, word } from './types/text.ts';

export const releaseShape = {
  description: 'What should run. A delivery changes only this, or a variable behind it.',
  labels: [nameLabel],
  repeatable: true,
  arguments: {
    version: required(version, 'The version, as people say it.'),
    artifact: required(
      localPath,
      "A file, an archive (.tar.gz, .tgz, .tar) or a folder, relative to the environment's folder; or an http(s) URL of a file or archive, which is fetched once to this machine when a host needs it. Name and password are taken from ~/.netrc.",
    ),
    sha256: optional(
      sha256,
      'The digest that the artifact must have. Required for a URL.',
      'whatever the artifact has',
    ),
    notes: optional(prose, 'What is new, for those who read the plan.'),
  },
  blocks: { precondition: any(preconditionShape) },
  example: 'release "shop" {\n  version  = var.version\n  artifact = "dist/shop-${var.version}.tar.gz"\n}',
} as const satisfies PlainShape;

const slotShape = {
  description:
    'A place for one release: a set of hosts and a port. blue_green needs two, in_place and rolling one; canary takes ' +
    'either. Two slots are on the same hosts with two ports, or on two sets of hosts.',
  labels: [{ name: 'name', description: 'What plans and pools call it: `blue`.', form: 'word' }],
  arguments: {
    hosts: required(hosts, 'The hosts it is on.'),
    port: optional(port, 'The port that its process listens on.'),
  },
} as const satisfies PlainShape;

const installShape = {
  description:
    'Where releases are put: `releases/<version>-<first 8 of sha256>/`, a symlink for each slot, and `shared/`.',
  labels: [],
  arguments: {
    root: required(hostFolder, 'The folder on the hosts.'),
    keep: defaulted(
      whole(1, 1000),
      5,
      'How many releases stay. What a slot uses and what a revert needs is never pruned.',
    ),
    owner: optional(word, 'The user who owns the folders.', 'the user who logs in'),
  },
} as const satisfies PlainShape;

const servicePoints = [
  'before_install',
  'after_install',
  'before_start',
  'after_start',
  'before_traffic',
  'after_traffic',
  'before_stop',
  'after_stop',
];

const runPoints = ['before_apply', 'after_apply', 'on_failure', 'on_revert'];

/** The same thing to say of each of several kinds. */
const each = (kinds: readonly string[], said: string): Readonly<Record<string, string>> =>
  Object.fromEntries(kinds.map((kind) => [kind, said]));

const processCommon = {
  environment: optional(environmentMap, 'Environment variables. A value may be a whole secret.', 'none'),
  user: optional(word, 'The user it runs as.', 'the owner of the install, or the user who logs in'),
  stop_timeout: defaulted(someTime, '30s', 'How long it may take to stop before it is killed.'),
} as const;

export const processShape = {
  otherKinds: each(
    ['docker', 'podman', 'container'],
    'deployctl runs processes, not containers. A container can be started by the commands of process "script".',
  ),
  description: 'How the service runs. Without it, only files are installed.',
  kindLabel: 'kind',
  labels: [],
  variants: {
    systemd: {
      description: 'One unit for each slot, `<service>-<slot>.service`, written by deployctl.',
      arguments: {
        command: required(command, 'What the unit starts, in the folder of the release.'),
        ...processCommon,
      },
    },
    exec: {
      description: 'Started and supervised without a service manager.',
      arguments: {
        command: required(command, 'What is started, in the folder of the release.'),
        ...processCommon,
      },
    },
    script: {
      description: "The service's own launcher.",
      arguments: {
        start: required(command, 'Starts it. It must go on running after this command has ended.'),
        stop: required(command, 'Stops it.'),
        status: required(command, 'Exits with 0 if it runs, with anything else if it does not.'),
        ...processCommon,
        start_timeout: defaulted(someTime, '30s', 'How long `start` may take.'),
      },
    },
  },
} as const satisfies VariantShape;

const healthCommon = {
  interval: defaulted(someTime, '1s', 'The time from one check to the next.'),
  passes: defaulted(whole(1, 1000), 2, 'How many times in a row it must pass.'),
  timeout: defaulted(someTime, '2s', 'How long one check may take.'),
  deadline: defaulted(someTime, '60s', 'How long it may take until it passes.'),
} as const;

const checkedPlace = {
  port: optional(port, 'The port that is checked.', "the slot's port"),
  address: optional(
    networkAddress,
    'The address that is checked, from the host itself.',
    "the host's network address",
  ),
} as const;

export const healthShape = {
  description:
    'How it is known that an instance works. Checked on the host itself, before it gets traffic and while a run bakes.',
  kindLabel: 'kind',
  labels: [],
  variants: {
    http: {
      description: 'A GET request that must be answered with a certain status.',
      arguments: {
        path: defaulted(urlPath, '/', 'The path that is asked for.'),
        status: defaulted(whole(100, 599, 'HTTP status'), 200, 'The status that means healthy.'),
        ...checkedPlace,
        ...healthCommon,
      },
    },
    tcp: {
      description: 'A connection that must be accepted.',
      arguments: { ...checkedPlace, ...healthCommon },
    },
    command: {
      description:
        'A command on the host that must exit with 0. It runs as the process does: its user, its environment, and in the ' +
        'folder of the release.',
      arguments: {
        command: required(command, 'The command.'),
        ...healthCommon,
      },
    },
  },
} as const satisfies VariantShape;

const trafficShape = {
  description: 'How traffic reaches the service, and what is changed to move it.',
  kindLabel: 'kind',
  labels: [],
  variants: {
    load_balancer: {
      description: 'A route of a load balancer, with one pool for each slot.',
      arguments: {
        load_balancer: required(objectOfBlock('load_balancer', 'load_balancer.edge'), 'The load balancer.'),
        route: optional(
          word,
          "The name of the route in the balancer's own configuration.",
          "the service's name",
        ),
        pools: optional(wordMap, 'The pool of each slot, by the name of the slot.', '`<service>_<slot>`'),
        sticky_cookie: optional(
          cookieName,
          'The cookie by whose value a user stays on one side of a canary; a growing share moves each user once.',
          'each request is decided on its own',
        ),
        resolves: optional(
          line,
          'The name of the traffic "dns" block, which the load balancer resolves: it finds both slots by it, as one ' +
            'pool without a route, and a switch is done once it is seen to use the new addresses.',
          'it has a pool for each slot, and a route between them',
        ),
      },
    },
    dns: {
      description:
        'A DNS record that holds the addresses of the slot that serves. A switch replaces it whole, and then waits ' +
        'until no resolver can remember the other slot.',
      arguments: {
        dns_zone: required(objectOfBlock('dns_zone', 'dns_zone.internal'), 'The zone.'),
        name: required(
          line,
          'The name of the record: in the zone, `@` for the zone itself, or whole with a dot at its end. `*` may be its first label.',
        ),
        type: defaulted(choice(['A', 'AAAA', 'CNAME', 'SRV', 'TXT']), 'A', 'The type of the record.'),
        ttl: defaulted(someTime, '30s', 'How long resolvers may keep an answer. Whole seconds.'),
        switch_ttl: defaulted(
          someTime,
          '5s',
          'The same around a switch: where the TTL is longer, it is lowered before, waited out, and restored afterwards.',
        ),
        values: optional(
          lineListMap,
          "The record's values for each slot.",
          "the addresses of the slot's hosts; for SRV, priority 0, weight 0, the slot's port and the names of its hosts",
        ),
      },
    },
  },
} as const satisfies VariantShape;

const hookArguments = {
  run: required(commandOrScript, 'An argument list, or a script for `sh -eu` as a string.'),
  timeout: defaulted(someTime, '2m', 'How long it may take.'),
  environment: optional(environmentMap, 'Environment variables beside those of the run.', 'none'),
} as const;

const serviceHook = {
  ...hookArguments,
  on: defaulted(
    choice(['each_host', 'first_host', 'operator']),
    'each_host',
    'Where it runs: on each host of the slot, on the first of them, or on the machine that runs deployctl.',
  ),
} as const;

const runHook = {
  ...hookArguments,
  on: defaulted(
    choice(['operator']),
    'operator',
    'Where it runs. Hooks of the whole run belong to no host: they run on the machine that runs deployctl.',
  ),
} as const;

export const hookShape = {
  otherKinds: each(
    runPoints,
    'This is a point of the whole run: the block belongs at the top of a file, outside of any service.',
  ),
  description:
    'A command at a point of the rollout. It runs in the folder of the release, as the user of the process; on the ' +
    "operator's machine in the environment's folder, as the user who runs deployctl.",
  kindLabel: 'point',
  labels: [],
  variants: {
    before_install: {
      description: 'The release is on the host, and no slot points to it yet.',
      arguments: serviceHook,
    },
    after_install: {
      description: 'The slot points to the release; nothing was started yet.',
      arguments: serviceHook,
    },
    before_start: { description: 'Before the process is started or restarted.', arguments: serviceHook },
    after_start: {
      description: 'The process was started; its health was not checked yet.',
      arguments: serviceHook,
    },
    before_traffic: { description: 'The slot is healthy and gets no traffic yet.', arguments: serviceHook },
    after_traffic: { description: 'The slot gets the traffic.', arguments: serviceHook },
    before_stop: { description: 'Before a process is stopped.', arguments: serviceHook },
    after_stop: { description: 'After a process was stopped.', arguments: serviceHook },
  },
} as const satisfies VariantShape;

export const runHookShape = {
  otherKinds: each(
    servicePoints,
    "This is a point of a service's rollout: the block belongs into a service block.",
  ),
  description: "A command at a point of the whole run. It runs in the environment's folder.",
  kindLabel: 'point',
  labels: [],
  variants: {
    before_apply: { description: 'Before the first step.', arguments: runHook },
    after_apply: { description: 'After the last step, if all went well.', arguments: runHook },
    on_failure: { description: 'When a step has failed.', arguments: runHook },
    on_revert: { description: 'When a run undoes what it did.', arguments: runHook },
  },
} as const satisfies VariantShape;

export const serviceShape = {
  description: 'Something that runs: which release, where, how, and how a new release gets there.',
  labels: [nameLabel],
  repeatable: true,
  arguments: {
    release: required(objectOfBlock('release', 'release.shop'), 'What should run.'),
    depends_on: optional(
      raw('list of references', 'a list of services, such as [service.api]'),
      'Services that must be done before this one begins, or modules: all services in them. Independent services run side by side.',
      'none',
    ),
  },
  blocks: {
    slot: { ...oneOrMore(slotShape), unique: true },
    install: one(installShape),
    traffic: any(trafficShape),
    strategy: one(strategyShape),
    precondition: any(preconditionShape),
  },
  perInstance: {
    process: atMostOne(processShape),
    health: atMostOne(healthShape),
    hook: any(hookShape),
  },
} as const satisfies PlainShape;
