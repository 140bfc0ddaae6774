export type { ExecuteOptions, Execution, HostChannel, HostChannels } from './channel.ts';
export {
  askByUdp,
  type DnsExchangeOptions,
  exchangeByTcp,
  serverText,
  streamByTcp,
} from './dns.ts';
export { DownloadFailure, download, netrcAuthorization } from './download.ts';
export { excerpt, hostFailure, seconds, type Wording } from './failures.ts';
export { type HostChannelsOptions, openHostChannels } from './host-channels.ts';
export { Limit } from './limits.ts';
export { sudoersLine } from './loader.ts';
export { localChannel } from './local-host.ts';
export { isVariableName, quoteArgument, quoteArguments } from './quote.ts';
export { type AskPassphrase, unlockKey } from './ssh-credentials.ts';
