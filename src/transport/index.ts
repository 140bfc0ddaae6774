export type { ExecuteOptions, Execution, HostChannel, HostChannels } from './channel.ts';
export { type HostChannelsOptions, openHostChannels } from './host-channels.ts';
export { assignments, isVariableName, quoteArgument, quoteArguments } from './quote.ts';
