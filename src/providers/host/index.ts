export { artifactOfUrl, judgeArchive, readArtifact } from './artifact.ts';
export {
  type HostOperation,
  type HostProvider,
  type HostProviderOptions,
  openHostProvider,
} from './provider.ts';
