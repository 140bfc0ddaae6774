/**
 * Turns the files of an environment into what they declare. No file is read here and no clock: the files come in as
 * bytes, and everything else of the world through ports.
 */
import { posix } from 'node:path';
import { Budget } from '../hcl/eval/limits.ts';
import type { Ports } from '../hcl/eval/ports.ts';
import { type FunctionTable, type Roots, Scope } from '../hcl/eval/scope.ts';
import type { ParsedFile } from '../hcl/syntax/parser.ts';
import { SourceText } from '../hcl/syntax/source.ts';
import {
  type ArtifactDeclared,
  asInstant,
  type BalancerDeclared,
  type Declared,
  type Diagnostic,
  type FreezeDeclared,
  type HookDeclared,
  type OutputDeclared,
  type PolicyDeclared,
  type SecretSource,
  type StateDeclared,
} from '../model/index.ts';
import { assembleHosts, type Operator } from './assemble-hosts.ts';
import { assembleBalancers, assembleServices } from './assemble-services.ts';
import { assembleZones, withRecords } from './assemble-zones.ts';
import { checkServices, checkSingletons } from './checks.ts';
import type { Dependency } from './dependencies.ts';
import { type BlockContext, evaluateBlock } from './evaluate-blocks.ts';
import {
  evaluateCheck,
  evaluateLocal,
  evaluateModuleCall,
  evaluateOutput,
  evaluateVariable,
} from './evaluate-values.ts';
import { Reporter } from './evaluation.ts';
import { Graph, type GraphNode, type GraphRules, type Need } from './graph.ts';
import { type Item, listed } from './items.ts';
import {
  type ConfigFile,
  loadModule,
  type ModuleLoader,
  parseFiles,
  type ReadModule,
  type Shapes,
} from './load-modules.ts';
import { ModuleInstance, TypedRoots } from './modules.ts';
import { movesOf } from './moves.ts';
import { plainJson } from './plain-json.ts';
import { Problems } from './problems.ts';
import { type BalancerKind, balancerShape } from './schema/balancers.ts';
import { topLevelShapes } from './schema/language.ts';
import {
  collectGivenValues,
  isAutoVariableFile,
  reportUndeclared,
  type VariableInputs,
} from './variables.ts';
import { satisfies } from './version-constraint.ts';
import { type VariableEntry, World } from './world.ts';

export interface LoadPorts {
  /**
   * Reads an artifact and takes its digest. `location` is an absolute path or a URL. With a digest that differs
   * from `sha256`, and when it cannot be read: the reason.
   */
  readonly readArtifact: (
    location: string,
    wanted: { readonly sha256?: string },
  ) => Promise<ArtifactDeclared | Diagnostic>;
  readonly readModule?: ReadModule;
  /** What functions may use: files of the environment's folder, the time, randomness. */
  readonly evaluation: Ports;
}

export interface LoadInput {
  readonly environment: string;
  /** Absolute folder of the environment. */
  readonly folder: string;
  /** Absolute folder of the project: where `.deployctl` is. */
  readonly projectFolder: string;
  /** The `*.hcl` files of the folder, in any order. */
  readonly files: readonly ConfigFile[];
  readonly variables: VariableInputs;
  /**
   * The types of load balancer that there are providers for. Asked for only where a block needs them: 1 ms of a start.
   */
  readonly balancerKinds: () => Promise<readonly BalancerKind[]>;
  readonly operator: Operator;
  readonly ports: LoadPorts;
  /** For a scope in which expressions that the files do not have can be evaluated; else it knows what they may call. */
  readonly functions?: FunctionTable;
  readonly toolVersion: string;
}

export interface Loaded {
  /** Undefined when there are errors; after `validate` also when values are missing that only a plan has. */
  readonly declared: Declared | undefined;
  /** All that is wrong, in the order of the files. */
  readonly diagnostics: readonly Diagnostic[];
  /** Every text that a diagnostic may point into, by the name it has there. */
  readonly sources: ReadonlyMap<string, SourceText>;
  /** Where expressions about the configuration are evaluated, as `console` does. */
  readonly scope: Scope;
  /** Those of the environment itself; undefined where a file cannot be read. */
  readonly variables?: readonly VariableEntry[];
  /** Known also where other parts have errors. */
  readonly state?: StateDeclared | undefined;
}

/** Reads everything, artifacts included. */
export const loadConfig = (input: LoadInput): Promise<Loaded> => load(input, 'plan');

/** Checks everything that can be checked without artifacts and without the values of variables. */
export const validateConfig = (input: LoadInput): Promise<Loaded> => load(input, 'validate');

/** All evaluations of one configuration together: a few seconds of work at most. */
const totalSteps = 100_000_000;

async function load(input: LoadInput, mode: 'plan' | 'validate'): Promise<Loaded> {
  const problems = new Problems();
  const report = new Reporter(problems);
  const sources = new Map<string, SourceText>();
  const keepSource = (source: SourceText): void => {
    sources.set(source.file, source);
  };
  let kinds: readonly BalancerKind[] = [];
  const shapesFor = async (files: readonly ParsedFile[]): Promise<Shapes> => {
    if (kinds.length === 0 && declaresBalancer(files)) kinds = await input.balancerKinds();
    return { ...topLevelShapes, load_balancer: balancerShape(kinds) };
  };
  const loader: ModuleLoader = { shapesFor, readModule: input.ports.readModule, report, keepSource };
  const byPath = (a: ConfigFile, b: ConfigFile): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
  const files = input.files.toSorted(byPath);
  const configFiles = parseFiles(
    files.filter((file) => !isAutoVariableFile(file.path)),
    loader,
  );
  const autoFiles = parseFiles(
    files.filter((file) => isAutoVariableFile(file.path)),
    loader,
  );
  // Of a text that cannot be read whole, everything else that could be said would be a guess.
  if (problems.errorCount > 0) return unread(problems, sources, input);
  const module = await loadModule(configFiles, input.folder, [], [], loader);
  const root = new ModuleInstance(module, { root: input.folder, working: input.projectFolder });

  const given = collectGivenValues(autoFiles, input.variables, report, keepSource);
  const declaredVariables = new Set<string>();
  for (const { type, name } of module.items.values()) if (type === 'variable') declaredVariables.add(name);
  reportUndeclared(given, declaredVariables, report);

  const functions = input.functions ?? (await functionsFor(sources));
  const budget = new Budget(totalSteps);
  const ports = input.ports.evaluation;
  const world = new World();
  let lastScope: Scope | undefined;
  const cx: BlockContext = {
    report,
    world,
    given,
    balancers: balancerShape(kinds),
    allowsMissingValues: mode === 'validate',
    scope: (source: SourceText, roots?: Roots) => {
      // A scope never changes, and the items of a file have the same one as long as they do not repeat.
      if (lastScope?.source !== source || lastScope.roots !== roots)
        lastScope = new Scope({ source, functions, roots, ports, budget });
      return lastScope;
    },
    keepSource,
    readArtifact: mode === 'validate' ? undefined : input.ports.readArtifact,
    absolutePath: (path) => absolutePath(path, input),
  };
  await evaluateAll(root, cx);
  world.sort();
  checkVersion(world, input, report);
  const declared = assemble(world, input, kinds, cx);
  if (problems.errorCount === 0 && mode === 'plan') reportUnknowns(report);
  const [anyFile] = configFiles;
  return {
    declared: problems.errorCount === 0 ? declared : undefined,
    diagnostics: problems.sorted(),
    sources,
    variables: world.variables,
    state: readableState(world, input),
    scope: cx.scope(anyFile?.source ?? new SourceText('<configuration>', ''), new TypedRoots(root)),
  };
}

const unread = (
  problems: Problems,
  sources: ReadonlyMap<string, SourceText>,
  { functions = new Map() }: LoadInput,
): Loaded => ({
  declared: undefined,
  diagnostics: problems.sorted(),
  sources,
  scope: new Scope({ source: new SourceText('<configuration>', ''), functions }),
});

const declaresBalancer = (files: readonly ParsedFile[]): boolean =>
  files.some(({ body }) => body.blocks.some(({ type }) => type === 'load_balancer'));

/** No call is without a parenthesis. Where there is none, loading the functions would be 3 ms of a start for nothing. */
async function functionsFor(sources: ReadonlyMap<string, SourceText>): Promise<FunctionTable> {
  const mayCall = [...sources.values()].some(({ text }) => text.includes('('));
  return mayCall ? (await import('../hcl/eval/functions/index.ts')).FUNCTIONS : new Map();
}

function absolutePath(path: string, { folder, operator }: LoadInput): string {
  if (path === '~' || path.startsWith('~/')) return posix.join(operator.homeFolder, path.slice(1));
  return posix.resolve(folder, path);
}

// ── evaluation in order ────────────────────────────────────────────────────────────────────────────

async function evaluateAll(root: ModuleInstance, cx: BlockContext): Promise<void> {
  const rules: GraphRules = { needsOf, evaluate: (node) => evaluateNode(node, cx) };
  const graph = new Graph(rules, cx.report.problems);
  const instances = [root];
  for (const instance of instances) {
    for (const item of instance.module.items.values()) {
      const pending = graph.evaluate({ instance, item });
      if (pending !== undefined) await pending;
    }
    for (const call of instance.calls.values()) instances.push(...call.instances);
  }
}

function needsOf(node: GraphNode, isEvaluated: (other: Item) => boolean): Iterator<Need, void> | undefined {
  const { instance, item } = node;
  const isOfCaller = item.type === 'variable' && instance.caller !== undefined;
  // Nearly all need only what another one has needed before.
  const hasAll = !isOfCaller && instance.module.dependencies.every(item, isEvaluated);
  return hasAll ? undefined : needsStepByStep(node);
}

function* needsStepByStep({ instance, item }: GraphNode): Generator<Need, void> {
  const { caller } = instance;
  if (item.type === 'variable' && caller !== undefined) {
    const { dependencies } = caller.instance.module;
    yield* needs(caller.instance, dependencies.ofCallArgument(caller.call, item.name));
  }
  yield* needs(instance, instance.module.dependencies.of(item));
}

function* needs(instance: ModuleInstance, dependencies: readonly Dependency[]): Generator<Need, void> {
  for (const { item, output, reference } of dependencies) {
    yield { instance, item, reference };
    if (item.type !== 'module') continue;
    for (const child of instance.calls.get(item.name)?.instances ?? []) {
      for (const inner of child.module.items.values()) {
        if (inner.type !== 'output' || (output !== undefined && inner.name !== output)) continue;
        yield { instance: child, item: inner, reference };
      }
    }
  }
}

function evaluateNode({ instance, item }: GraphNode, cx: BlockContext): Promise<void> | undefined {
  if (item.kind === 'local') evaluateLocal(item, instance, cx);
  else if (item.type === 'variable') evaluateVariable(item, instance, cx);
  else if (item.type === 'output') evaluateOutput(item, instance, cx);
  else if (item.type === 'check') evaluateCheck(item, instance, cx);
  else if (item.type === 'module') evaluateModuleCall(item, instance, cx);
  else return evaluateBlock(item, instance, cx);
  return undefined;
}

// ── putting together ───────────────────────────────────────────────────────────────────────────────

function assemble(
  world: World,
  input: LoadInput,
  kinds: readonly BalancerKind[],
  cx: BlockContext,
): Declared | undefined {
  const { report } = cx;
  checkSingletons(world, report);
  const moves = movesOf(world, report);
  const hosts = assembleHosts(world, input.operator, cx.absolutePath, report);
  const releases = new Map(world.releases.map((entry) => [entry.address as string, entry]));
  const zones = assembleZones(world, report);
  const services = assembleServices(world, hosts, releases, moves, zones, report);
  checkServices(services, world, report);
  const balancers = assembleBalancers(world, services, hosts, zones, report);
  if (report.problems.errorCount === 0) checkSettings(balancers, kinds, report);
  const declared = services.flatMap((service) => service.declared ?? []);
  if (world.incomplete || declared.length < services.length) return undefined;
  return {
    environment: input.environment,
    folder: input.folder,
    hosts: hosts.declared,
    balancers,
    zones: withRecords(zones, declared),
    services: declared,
    policy: policyOf(world, cx),
    hooks: hooksOf(world),
    secrets: secretsOf(world, cx),
    outputs: outputsOf(world),
    state: stateOf(world, input),
    ...variablesOf(world),
    ...(moves.length === 0 ? {} : { moves }),
  };
}

/** What only the providers know about their settings, pools and names. */
function checkSettings(
  balancers: readonly BalancerDeclared[],
  kinds: readonly BalancerKind[],
  report: Reporter,
): void {
  for (const balancer of balancers) {
    const kind = kinds.find(({ name }) => name === balancer.provider);
    for (const { record, name } of kind?.resolvesNames === true ? [] : (balancer.resolved ?? [])) {
      report.problems.add({
        code: 'balancer-resolves-nothing',
        severity: 'error',
        summary: 'The load balancer resolves no names',
        detail: `${balancer.address} is to find the servers of its pool ${name} by ${record.name}, and deployctl has no way to see which addresses a load balancer of type "${balancer.provider}" uses: a switch could not be seen to be done.`,
        hint: `It can be seen of ${listed(kinds.filter(({ resolvesNames }) => resolvesNames).map((each) => each.name))}. Use one of these types, or leave out resolves and have it moved by a route.`,
        address: balancer.address,
        subject: balancer.origin,
      });
    }
    for (const found of kind?.check?.(balancer) ?? []) {
      report.problems.add({ ...found, subject: found.subject ?? balancer.origin });
    }
  }
}

function policyOf(world: World, cx: BlockContext): PolicyDeclared {
  const [policy] = world.policies;
  if (policy === undefined) return { minInServicePercent: 0, freezes: [] };
  const { args, blocks, place } = policy.decoded;
  return {
    minInServicePercent: args.min_in_service,
    ...(args.max_unreachable === undefined ? {} : { maxUnreachable: args.max_unreachable }),
    freezes: blocks.freeze.map(freezeOf),
    ...(args.max_share_step === undefined ? {} : { maxShareStepPercent: args.max_share_step }),
    ...(args.approvals === 0
      ? {}
      : {
          approvals: args.approvals,
          allowedSigners: cx.absolutePath(args.allowed_signers ?? 'allowed_signers'),
        }),
    ...(args.actors === undefined ? {} : { actors: args.actors }),
    origin: place.source.rangeOf(place.span),
  };
}

type FreezeBlock = World['policies'][number]['decoded']['blocks']['freeze'][number];

const freezeOf = ({ args: { from, until, reason }, place }: FreezeBlock): FreezeDeclared => ({
  from: asInstant(from),
  until: asInstant(until),
  reason,
  origin: place.source.rangeOf(place.span),
});

const hooksOf = (world: World): readonly HookDeclared[] =>
  world.hooks.map(({ decoded: { kind, args, place } }) => ({
    point: kind,
    argv: args.run,
    on: args.on,
    timeoutMs: args.timeout,
    environment: args.environment ?? {},
    origin: place.source.rangeOf(place.span),
  }));

function secretsOf(world: World, cx: BlockContext): Readonly<Record<string, SecretSource>> {
  const sources = world.secrets.flatMap(({ address, decoded: { args } }): [string, SecretSource][] => {
    const name = address.replace(/(^|\.)secret\./, '$1');
    if (args.env !== undefined) return [[name, { from: 'env', name: args.env }]];
    if (args.file !== undefined) return [[name, { from: 'file', path: cx.absolutePath(args.file) }]];
    return args.command === undefined ? [] : [[name, { from: 'command', argv: args.command }]];
  });
  return Object.fromEntries(sources);
}

const outputsOf = (world: World): Readonly<Record<string, OutputDeclared>> =>
  Object.fromEntries(
    world.outputs.map(({ name, value, sensitive, description }) => [
      name,
      {
        value: sensitive ? null : plainJson(value),
        sensitive,
        ...(description === undefined ? {} : { description }),
      },
    ]),
  );

function variablesOf({ variables }: World): Pick<Declared, 'variables'> {
  const given = variables.flatMap((each) => (each.given === undefined ? [] : [[each.name, each.given]]));
  return given.length === 0 ? {} : { variables: Object.fromEntries(given) };
}

/** Where the state is; undefined where it is declared in a way that cannot be read. */
function readableState(world: World, input: LoadInput): StateDeclared | undefined {
  const isRead = world.settings.every(({ decoded }) => decoded.complete);
  return isRead && !world.unread.has('deployctl') ? stateOf(world, input) : undefined;
}

function stateOf(world: World, { projectFolder, environment, operator }: LoadInput): StateDeclared {
  const [settings] = world.settings;
  const [state] = settings?.decoded.blocks.state ?? [];
  const written = state?.kind === 'local' ? state.args.path : undefined;
  const path = written ?? `.deployctl/${environment}`;
  const home = path === '~' || path.startsWith('~/');
  return {
    backend: 'local',
    path: home ? posix.join(operator.homeFolder, path.slice(1)) : posix.resolve(projectFolder, path),
  };
}

function checkVersion(world: World, { toolVersion }: LoadInput, report: Reporter): void {
  for (const { decoded } of world.settings) {
    const constraint = decoded.args.required_version;
    if (constraint === undefined) continue;
    const result = satisfies(toolVersion, constraint);
    if (result === true) continue;
    const place = decoded.at('required_version');
    if (result === false) {
      report.error(place, {
        code: 'unsupported-version',
        summary: 'Unsupported deployctl version',
        detail: `This configuration does not support deployctl ${toolVersion}: it requires ${constraint}.`,
        hint: 'Use another version of deployctl, or change required_version if this one is meant to work.',
      });
    } else {
      report.error(place, {
        code: 'invalid-version-constraint',
        summary: 'Invalid version constraint',
        detail: result.refused,
        hint: result.hint,
      });
    }
  }
}

/** Without any other error, what is not known keeps the plan from being made, and must be said. */
function reportUnknowns(report: Reporter): void {
  for (const { place, argument } of report.unknowns) {
    report.error(place, {
      code: 'unknown-value',
      summary: 'Value that is not known before the run',
      detail: `The value of "${argument}" cannot be known now, and a plan must be complete.`,
      hint: 'It depends on a function such as uuid() or on something that has no value yet, such as slot.port of a slot without a port.',
    });
  }
}
