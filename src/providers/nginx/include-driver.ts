/**
 * nginx by a file that it includes, and a reload. An exit code says nothing here: `nginx -s reload` ends well with the
 * old configuration in effect, and for about 0.1 s workers of both answer. So a switch counts when every worker that was
 * there before takes no more requests, and fresh requests are answered by the file's own number.
 */
import { type BalancerDeclared, type Context, ProviderFailure } from '../../model/index.ts';
import type { HostChannel, HostChannels } from '../../transport/channel.ts';
import type { BalancerDriver } from '../balancer/driver.ts';
import { mishap, stopIfAborted, whileChanging } from '../balancer/failure.ts';
import { fileDriver, type LoadPlace } from '../balancer/probed/file-driver.ts';
import { probe } from '../balancer/probed/probe.ts';
import { parseInclude, withRoute } from './include-file.ts';
import { masterLook, nginxMaster } from './master.ts';
import { readIncludeSettings } from './settings.ts';

/** A large configuration takes seconds to load; one that cannot take a port is tried for 2.5 s by nginx itself. */
const loadMs = 20_000;
const pollMs = 30;

export function includeDriver(declared: BalancerDeclared, channels: HostChannels): BalancerDriver {
  const { includeFile, pidFile } = readIncludeSettings(declared);
  const { address: balancer, name, routes } = declared;
  const anyRoute = [{ route: routes[0]?.route ?? name }];
  const masterOf = (channel: HostChannel) => nginxMaster(channel, pidFile, balancer);

  async function load({ channel, place, files, was, wanted }: LoadPlace, cx: Context): Promise<void> {
    const master = masterOf(channel);
    const putBack = () => whileChanging(() => files.replace(includeFile, wanted, was, cx.signal));
    const before = await whileChanging(() => master.read(cx.signal));
    try {
      await master.reload(before, cx.signal);
    } catch (error) {
      // Nothing was loaded: what a restart would bring must not differ from what runs.
      if (error instanceof ProviderFailure && error.effect === 'none') await putBack();
      throw error;
    }
    await whileChanging(async () => {
      const left = await untilLoaded({ channel, place }, before.serving, parseInclude(wanted).revision, cx);
      if (left === undefined) return;
      // All are still there: nothing was loaded, and the file must not wait for somebody else's reload.
      const isUntouched = left.length === before.serving.length;
      if (isUntouched) await putBack();
      throw notLoaded(channel.host, left, isUntouched);
    });
  }

  /**
   * Until no worker of before takes requests, and the new ones decide by this very file. At the deadline it gives those
   * that still do.
   */
  async function untilLoaded(
    { channel, place }: Pick<LoadPlace, 'channel' | 'place'>,
    before: readonly number[],
    revision: string,
    cx: Context,
  ): Promise<readonly number[] | undefined> {
    const deadline = cx.clock.now() + loadMs;
    for (;;) {
      const { serving } = await masterOf(channel).read(cx.signal);
      const left = serving.filter((pid) => before.includes(pid));
      if (left.length === 0 && serving.length > 0) {
        const [seen] = await probe(channel, place, anyRoute, cx.signal);
        if (seen?.revision === revision) return undefined;
      }
      stopIfAborted(cx.signal, 'waiting for nginx to load its configuration');
      if (cx.clock.now() >= deadline) return left;
      await cx.clock.sleep(pollMs, cx.signal);
    }
  }

  const notLoaded = (host: string, left: readonly number[], isPutBack: boolean) =>
    mishap({
      code: 'reload-failed',
      summary: 'nginx did not load its configuration',
      detail: `${loadMs / 1000} s after nginx on ${host} was told to reload, ${left.length === 0 ? `its workers do not decide by ${includeFile}` : `${left.length} of its workers (${left.join(', ')}) still serve with the configuration before`}. ${isPutBack ? 'The file was put back.' : 'The file holds the new value, and a later reload would bring it.'}`,
      hint: "nginx's error log says why. Then plan again: what runs and what is in the file will be shown.",
      address: balancer,
    });

  return fileDriver(declared, channels, {
    program: 'nginx',
    path: includeFile,
    parse: (text) => parseInclude(text).routes,
    withRoute,
    loading: {
      look: masterLook(pidFile),
      async retiring(channel, printed, signal) {
        const master = masterOf(channel);
        return (master.seen(printed) ?? (await master.read(signal))).retiring;
      },
      together(channel, printed) {
        const master = masterOf(channel);
        const seen = master.seen(printed);
        return seen && master.reloadAndWait(seen);
      },
      loaded: (printed) => printed.get('loaded')?.trim() === '',
      load,
      async check(channel, signal) {
        await masterOf(channel).mayReload(signal);
        return [];
      },
    },
  });
}
