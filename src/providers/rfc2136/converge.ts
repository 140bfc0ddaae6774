/** Waits until the zone's servers say what the primary says, each asked directly. */
import type { Context, Operation, ProviderFailure } from '../../model/index.ts';
import { serverText } from '../../transport/index.ts';
import type { ZoneClient } from './client.ts';
import { refusal } from './complaints.ts';
import { askServer, differenceOf, readZone } from './read.ts';

type Converge = Operation & { readonly op: 'record.converge' };

const everyMs = 250;

export async function convergeRecord(client: ZoneClient, operation: Converge, cx: Context): Promise<void> {
  const { zone } = client;
  const { record, rrset, withinMs } = operation;
  const until = cx.clock.now() + withinMs;
  const { content } = await readZone(client, [record.name], cx.signal);
  let left = zone.servers.map((server) => ({ server, why: 'was not asked yet' }));
  for (;;) {
    const asked = await Promise.all(
      left.map(async ({ server }) => ({
        server,
        answer: await askServer(client, server, record, cx.signal),
      })),
    );
    if (cx.signal.aborted) throw interrupted(client);
    left = asked.flatMap(({ server, answer }) => {
      const why = answer.answers
        ? differenceOf(answer, rrset, content.serial)
        : answer.failure.diagnostic.detail.replace(/\.$/, '').replace(`${serverText(server)} `, '');
      return why === undefined ? [] : [{ server, why }];
    });
    const agreed = zone.servers.length - left.length;
    cx.report({
      type: 'step_progress',
      step: cx.step,
      done: agreed,
      total: zone.quorum,
      unit: 'passes',
      text: `${agreed} of ${zone.servers.length} servers`,
    });
    if (agreed >= zone.quorum) return;
    if (cx.clock.now() >= until) {
      throw refusal(
        zone,
        {
          code: 'dns-not-converged',
          summary: 'Not all DNS servers have the change',
          detail: `After ${withinMs / 1000} s ${agreed} of the ${zone.quorum} servers that must agree answer as the primary does; ${left.map(({ server, why }) => `${serverText(server)} ${why}`).join('; ')}.`,
          hint: 'Check that the primary notifies them (also-notify), and that they may transfer the zone. A server that is meant to be down does not belong into "servers".',
        },
        record.address,
      );
    }
    await cx.clock.sleep(everyMs, cx.signal);
  }
}

const interrupted = (client: ZoneClient): ProviderFailure =>
  refusal(client.zone, {
    code: 'interrupted',
    summary: 'The step was interrupted',
    detail: 'deployctl was told to stop while it waited for DNS servers.',
    hint: 'Go on with:  deployctl apply ENV --resume',
  });
