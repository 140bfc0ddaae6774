/** `dns_zone "rfc2136"`: records replaced whole by dynamic update, guarded by what was seen. */
import { types } from '../../dns/types.ts';
import {
  type Context,
  type Operation,
  type Provider,
  ProviderFailure,
  type RecordDeclared,
  type RecordedResource,
  type Standing,
  sameValue,
  type ZoneDeclared,
} from '../../model/index.ts';
import { checkZone } from './check.ts';
import { ZoneClient, type ZoneClientOptions } from './client.ts';
import { convergeRecord } from './converge.ts';
import { observeZone, stateOf } from './observe.ts';
import { readZone } from './read.ts';
import { type SetRecord, setText, settle, type Unsettled, writeRecord } from './write.ts';
import { setAt } from './zone-content.ts';

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
    seen: async (operation, cx) => {
      const record = recordOf(operation);
      return record === undefined ? [] : [await recorded(client, record, cx)];
    },
    check: (_declared, signal) => checkZone(client, signal),
    async [Symbol.asyncDispose]() {
      await last;
    },
  };
}

const recordOf = (operation: Operation): RecordDeclared | undefined =>
  operation.op === 'record.set' || operation.op === 'record.converge' ? operation.record : undefined;

async function standing(client: ZoneClient, { record, from, to }: SetRecord, cx: Context): Promise<Standing> {
  const { content } = await readZone(client, [record.name], cx.signal);
  const now = setAt(content, record.name, types[record.type]);
  if (sameValue(now, to)) return { at: 'after' };
  return sameValue(now, from) ? { at: 'before' } : { at: 'elsewhere', seen: `is ${setText(now)} now` };
}

async function recorded(client: ZoneClient, record: RecordDeclared, cx: Context): Promise<RecordedResource> {
  const reading = await readZone(client, [record.name], cx.signal);
  return { kind: 'record', address: record.address, spec: stateOf(client.zone, reading, record) };
}
