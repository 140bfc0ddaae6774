/**
 * Who may import whom: house style, section 1, as rules. Each comment is what the reader of a violation is told.
 * Type-only imports count: a type that drags in a folder's words is a dependency too.
 */

/** @param {string[]} folders */
const under = (...folders) => folders.map((folder) => `^src/${folder}/`);
const core = { dependencyTypes: ['core'] };
const sockets = '^(node:)?(net|tls|dgram|dns|dns/promises|http|https|http2)$';
const npm = (/** @type {string[]} */ ...names) => names.map((name) => `(^|/)node_modules/${name}/`);

/**
 * A folder that may import only these folders, and of Node and npm only what is named.
 *
 * @param {string} folder
 * @param {{ folders: string[], node?: string, packages?: string[] }} may
 * @param {string} comment
 */
function only(folder, may, comment) {
  const from = { path: `^src/${folder}/` };
  const rules = [
    {
      name: `${folder}-imports-folders`,
      comment,
      severity: 'error',
      from,
      to: {
        path: '^(src|test|tools|bench)/',
        pathNot: [...under(folder, ...may.folders), '^src/(version|program)\\.ts$'],
      },
    },
    {
      name: `${folder}-imports-packages`,
      comment: `${comment} Of packages it may import: ${may.packages?.join(', ') ?? 'none'}.`,
      severity: 'error',
      from,
      to: { path: '(^|/)node_modules/', pathNot: npm(...(may.packages ?? []), '@types') },
    },
  ];
  if (may.node !== '.*') {
    rules.push({
      name: `${folder}-imports-node`,
      comment: `${comment} Of Node's own modules it may import: ${may.node ?? 'none'}.`,
      severity: 'error',
      from,
      to: { ...core, ...(may.node === undefined ? {} : { pathNot: `^(node:)?(${may.node})$` }) },
    });
  }
  return rules;
}

const pure =
  'It is pure: the same inputs must give the same answer, in tests and in simulations. Take what you need as an argument (a Clock, an id, an Observation), or move the effect to src/providers, src/state or src/engine.';

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...only(
      'model',
      { folders: [] },
      `src/model holds the words that everything shares, and imports nothing. ${pure}`,
    ),
    ...only('strategies', { folders: ['model'] }, `A strategy turns changes into steps. ${pure}`),
    ...only('analysis', { folders: ['model'] }, `A verdict follows from samples. ${pure}`),
    ...only('planner', { folders: ['model', 'strategies'] }, `The planner decides and proves. ${pure}`),
    ...only(
      'hcl',
      {
        folders: ['model'],
        node: 'worker_threads|module|url|path|util|crypto|zlib|buffer|fs|fs/promises|os',
        packages: ['hcl2-parser'],
      },
      'src/hcl is the language: it knows nothing of deploying. Give it texts and functions; what a block means belongs to src/config.',
    ),
    ...only(
      'dns',
      { folders: [], node: 'crypto|url' },
      'src/dns is DNS as bytes and texts, pure: sockets belong to src/transport, and what records mean to src/providers.',
    ),
    ...only(
      'config',
      {
        folders: ['model', 'hcl', 'dns'],
        node: 'fs|fs/promises|path|os|url|util|crypto|zlib|stream|stream/promises|child_process',
        packages: ['tar-stream'],
      },
      'src/config turns HCL into what is declared. It looks at files of the environment, never at hosts: that is what providers observe.',
    ),
    ...only(
      'engine',
      { folders: ['model'], node: 'util|events|timers/promises|async_hooks' },
      'The engine runs any plan through the ports of src/model (Provider, StateStore, Clock); src/app gives it the real ones, a simulation gives it others. Add a port instead of an import.',
    ),
    ...only(
      'providers',
      { folders: ['model', 'transport', 'dns'], node: '.*', packages: ['tar-stream'] },
      'A provider knows the words of the model and reaches hosts by src/transport only.',
    ),
    ...only(
      'transport',
      { folders: ['model'], node: '.*', packages: ['ssh2'] },
      'src/transport reaches hosts and knows nothing of what is done there.',
    ),
    ...only(
      'state',
      { folders: ['model'], node: '.*', packages: ['pg', 'zod'] },
      'src/state keeps records behind the StateStore port and knows nothing of what they lead to.',
    ),
    ...only(
      'lab',
      { folders: ['model', 'dns'], node: '.*', packages: ['ssh2', 'dns-packet'] },
      'The lab stands on the other side of the wire: what it shares with the program it would test with itself. (The bytes of DNS are held against real servers.)',
    ),
    ...only(
      'ui',
      {
        folders: ['model'],
        node: 'util|stream|readline|events',
        packages: ['ink', 'react', 'diff', 'string-width'],
      },
      'A view is a function of plans and events: it starts nothing and reads no file. Let the command pass in what it shows.',
    ),
    ...only(
      'commands',
      { folders: ['app', 'ui', 'model', 'lab'], node: '.*', packages: ['@oclif/core'] },
      'A command parses flags, calls src/app, picks a view and returns an exit code. What it would import beyond that belongs to src/app.',
    ),
    {
      name: 'lab-only-from-lab-commands',
      comment:
        'Only `deployctl lab` starts the lab. To reach one, declare its hosts and balancer like any other.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/lab/', '^src/commands/lab/'] },
      to: { path: '^src/lab/' },
    },
    {
      name: 'providers-know-no-sibling',
      comment:
        'A provider never imports another. What two of them need goes to src/providers/balancer or to src/transport.',
      severity: 'error',
      from: { path: '^src/providers/([^/]+)/' },
      to: { path: '^src/providers/[^/]+/', pathNot: ['^src/providers/$1/', '^src/providers/balancer/'] },
    },
    {
      name: 'only-transport-opens-sockets',
      comment:
        'Only src/transport opens sockets, so that timeouts, host keys and limits are in one place: use a HostChannel (`dial`). (health.ts speaks HTTP over a stream that `dial` gave it.)',
      severity: 'error',
      from: { path: '^src/', pathNot: [...under('transport', 'lab'), '^src/providers/host/health\\.ts$'] },
      to: { path: sockets },
    },
    {
      name: 'ssh2-only-in-transport',
      comment: 'ssh2 stays behind the HostChannels interface, so that it can be replaced: use src/transport.',
      severity: 'error',
      from: { path: '^src/', pathNot: under('transport', 'lab') },
      to: { path: npm('ssh2') },
    },
    {
      name: 'sqlite-only-in-state',
      comment: 'The record is read and written through the StateStore port.',
      severity: 'error',
      from: { path: '^src/', pathNot: under('state') },
      to: { path: '^(node:)?sqlite$' },
    },
    {
      name: 'app-is-the-top',
      comment: 'Only commands and entry points stand above src/app and src/commands.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: under('commands', 'app') },
      to: { path: under('commands', 'app') },
    },
    {
      name: 'app-knows-no-command',
      comment: 'src/app answers whoever asks: pass what it needs as arguments, return what it found.',
      severity: 'error',
      from: { path: '^src/app/' },
      to: { path: '^src/commands/' },
    },
    {
      name: 'no-tests-in-the-program',
      comment: 'The program does not import its tests or its tools.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|tools|bench)/' },
    },
    {
      name: 'no-circle',
      comment:
        'Modules that need each other are one module, or one of them holds something that belongs in a third.',
      severity: 'error',
      // One definition in three files: a tuple converts to a list if its parts unify, and parts unify to what the
      // others convert to. cty's package convert is one package for the same reason.
      from: { path: '^src/', pathNot: '^src/hcl/eval/(conversion|unify|mismatch)\\.ts$' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolves',
      comment: 'This import leads nowhere: is it in package.json, and is the path right (with .ts)?',
      severity: 'error',
      from: { path: '^(src|tools)/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'declared-packages',
      comment:
        'The program may import only what package.json names under dependencies: the others are not there when it is installed.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: npm('@types') },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|node_modules/.cache)' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
