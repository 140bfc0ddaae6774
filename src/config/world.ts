/** What evaluation has found, block by block, before it is put together and checked as a whole. */
import type { Value } from '../hcl/eval/values.ts';
import type { Address, ArtifactDeclared, Json } from '../model/index.ts';
import type { Decoded } from './decoded.ts';
import type { BlockItem } from './items.ts';
import type { ModuleInstance } from './modules.ts';
import type { Place } from './problems.ts';
import type { Repetition } from './repetition.ts';
import type { balancerShape } from './schema/balancers.ts';
import type { deployctlShape, movedShape, policyShape } from './schema/language.ts';
import type { dnsZoneShape, hostShape, secretShape, sshShape } from './schema/reaching.ts';
import type { releaseShape, runHookShape, serviceShape } from './schema/running.ts';

/** One block, or one of those that a repeated block stands for. */
export class Entry<S> {
  readonly address: Address;
  /** Unique among its kind: what reports, pools and units call it. */
  readonly name: string;
  readonly decoded: Decoded<S>;
  readonly instance: ModuleInstance;
  readonly repetition: Repetition;

  constructor(
    address: Address,
    name: string,
    decoded: Decoded<S>,
    instance: ModuleInstance,
    repetition: Repetition,
  ) {
    this.address = address;
    this.name = name;
    this.decoded = decoded;
    this.instance = instance;
    this.repetition = repetition;
  }
}

export interface ReleaseEntry extends Entry<typeof releaseShape> {
  /** undefined: not read, or it could not be. */
  readonly artifact: ArtifactDeclared | undefined;
}

/** A variable of the environment itself: its value is given from outside. */
export interface VariableEntry {
  readonly name: string;
  readonly isSensitive: boolean;
  /** It has no default. */
  readonly isRequired: boolean;
  /** The value that was given, of a required one that is not sensitive; undefined: none that fits. */
  readonly given?: Json | undefined;
  /** Nobody gave it now: it is the one on record. */
  readonly isFromRecord?: boolean;
}

export interface OutputEntry {
  readonly name: string;
  readonly value: Value;
  readonly sensitive: boolean;
  readonly description: string | undefined;
}

/** Everything that is declared, in the order of the files once it is sorted. */
export class World {
  readonly ssh: Entry<typeof sshShape>[] = [];
  readonly hosts: Entry<typeof hostShape>[] = [];
  readonly secrets: Entry<typeof secretShape>[] = [];
  readonly balancers: Entry<ReturnType<typeof balancerShape>>[] = [];
  readonly zones: Entry<typeof dnsZoneShape>[] = [];
  readonly releases: ReleaseEntry[] = [];
  readonly services: Entry<typeof serviceShape>[] = [];
  readonly policies: { readonly item: BlockItem; readonly decoded: Decoded<typeof policyShape> }[] = [];
  readonly hooks: { readonly item: BlockItem; readonly decoded: Decoded<typeof runHookShape> }[] = [];
  readonly settings: { readonly item: BlockItem; readonly decoded: Decoded<typeof deployctlShape> }[] = [];
  readonly moves: { readonly item: BlockItem; readonly decoded: Decoded<typeof movedShape> }[] = [];
  readonly outputs: OutputEntry[] = [];
  readonly variables: VariableEntry[] = [];
  /** Types of blocks of which one or more could not be read at all: whether one of them exists cannot be told. */
  readonly unread = new Set<string>();
  /** Something is missing that a plan needs: nothing is declared. */
  incomplete = false;

  /** A block of this type could not be read. */
  lose(type: string): void {
    this.unread.add(type);
    this.incomplete = true;
  }

  /** From the order of evaluation, which follows references, to the order in which people wrote it. */
  sort(): void {
    const inOrder = (a: { decoded: { place: Place } }, b: { decoded: { place: Place } }): number => {
      const [x, y] = [a.decoded.place, b.decoded.place];
      if (x.source !== y.source) return x.source.file < y.source.file ? -1 : 1;
      return x.span.start - y.span.start;
    };
    for (const entries of [
      this.ssh,
      this.hosts,
      this.secrets,
      this.balancers,
      this.zones,
      this.releases,
      this.services,
    ]) {
      entries.sort(inOrder);
    }
    for (const entries of [this.policies, this.hooks, this.settings, this.moves]) entries.sort(inOrder);
    this.outputs.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
