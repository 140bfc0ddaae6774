/** The zones of the lab's DNS server as they outlive it: on the disk before anybody is told of a change. */
import { classes } from '../../dns/types.ts';
import { readKeptFile, writeKeptFile } from '../kept-file.ts';
import { otherRecords, soaOf, withRecord, type Zone } from './zone.ts';

/** Name, type, TTL, content in base64. */
type KeptRecord = readonly [string, number, number, string];
type Kept = Readonly<Record<string, readonly KeptRecord[]>>;

export class KeptZones {
  readonly #file: string;
  readonly #zones: Map<string, Zone>;

  /** `first`: what zones are that were never kept. */
  constructor(file: string, first: readonly Zone[]) {
    this.#file = file;
    const kept = (readKeptFile(file) ?? {}) as Kept;
    this.#zones = new Map(
      first.map((zone) => {
        const records = kept[zone.name];
        return [zone.name, records === undefined ? zone : restored(zone.name, records)];
      }),
    );
  }

  zone(name: string): Zone {
    const zone = this.#zones.get(name);
    if (zone === undefined) throw new Error(`the lab has no zone ${name}`);
    return zone;
  }

  keep(zone: Zone): void {
    const zones = new Map(this.#zones).set(zone.name, zone);
    writeKeptFile(this.#file, Object.fromEntries([...zones].map(([name, each]) => [name, recordsOf(each)])));
    this.#zones.set(zone.name, zone);
  }
}

const recordsOf = (zone: Zone): readonly KeptRecord[] =>
  [soaOf(zone), ...otherRecords(zone)].map(({ name, type, ttl, rdata }) => [
    name,
    type,
    ttl,
    Buffer.from(rdata).toString('base64'),
  ]);

const restored = (zone: string, records: readonly KeptRecord[]): Zone =>
  records.reduce(
    (all, [name, type, ttl, rdata]) =>
      withRecord(all, { name, type, ttl, class: classes.IN, rdata: Buffer.from(rdata, 'base64') }),
    { name: zone, sets: new Map() } as Zone,
  );
