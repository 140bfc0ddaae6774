export { artifactOfUrl, judgeArchive, readArtifact } from './artifact.ts';
export { type HostProvider, type HostProviderOptions, openHostProvider } from './provider.ts';
export type { HostOperation } from './standing.ts';
