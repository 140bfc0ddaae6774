/** `dns_zone "rfc2136"`: records replaced whole by dynamic update, guarded by what was seen. */
import {
  type Context,
  type Operation,
  type Provider,
  ProviderFailure,
  type RecordDeclared,
  type RecordedResource,
  recordMovesOf,
  type Standing,
  type ZoneDeclared,
} from '../../model/index.ts';
import { checkZone } from './check.ts';
import { ZoneClient, type ZoneClientOptions } from './client.ts';
import { convergeRecord } from './converge.ts';
import { observeZone, stateOf } from './observe.ts';
import { readZone } from './read.ts';
import { type SetRecord, setsText, settle, standingOf, type Unsettled, writeRecord } from './write.ts';

/** One zone. Nothing is sent before it is asked something. */
export function openZone(zone: ZoneDeclared, options: ZoneClientOptions): Provider {
  const client = new ZoneClient(zone, options);
  const unsettled: Unsettled = { generation: undefined };
  // Two steps of one run would only refuse each other by the fence.
  let last: Promise<unknown> = Promise.resolve();
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work, work);
    last = done.catch(() => {});
    return done;
  };
  return {
    name: zone.provider,
    traits: {
      switchCost: undefined,
      shareStepBasisPoints: undefined,
      drainsMembers: false,
      countsRequests: false,
      writesPools: false,
    },
    observe: (_declared, signal) => observeZone(client, options.now, signal),
    look: async (operation, cx) => {
      if (operation.op !== 'record.set')
        throw new Error(`${operation.op} is nothing that a zone is looked at for`);
      try {
        await alone(() => settle(client, cx, unsettled));
        return await standing(client, operation, cx);
      } catch (error) {
        if (error instanceof ProviderFailure) return { at: 'unknown', why: error.diagnostic };
        throw error;
      }
    },
    perform: (operation, cx) => {
      switch (operation.op) {
        case 'record.set':
          return alone(() => writeRecord(client, operation, cx, unsettled));
        case 'record.converge':
          return convergeRecord(client, operation, cx);
        default:
          throw new Error(`${operation.op} is nothing that a zone does`);
      }
    },
    seen: (operation, cx) => recorded(client, recordsOf(operation), cx),
    check: (_declared, signal) => checkZone(client, signal),
    async [Symbol.asyncDispose]() {
      await last;
    },
  };
}

const recordsOf = (operation: Operation): readonly RecordDeclared[] => {
  if (operation.op === 'record.set') return recordMovesOf(operation).map(({ record }) => record);
  return operation.op === 'record.converge' ? [operation.record] : [];
};

async function standing(client: ZoneClient, operation: SetRecord, cx: Context): Promise<Standing> {
  const { content } = await readZone(client, [operation.record.name], cx.signal);
  const found = standingOf(operation, content);
  if (found.at !== 'elsewhere') return { at: found.at };
  return { at: 'elsewhere', seen: `is ${setsText(operation, found.now)} now` };
}

/** All of one name, as one look sees them. */
async function recorded(
  client: ZoneClient,
  records: readonly RecordDeclared[],
  cx: Context,
): Promise<readonly RecordedResource[]> {
  const [first] = records;
  if (first === undefined) return [];
  const reading = await readZone(client, [first.name], cx.signal);
  return records.map((record) => ({
    kind: 'record',
    address: record.address,
    spec: stateOf(client.zone, reading, record),
  }));
}
