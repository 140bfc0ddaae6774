/** The artifacts of a plan's steps: fetched before it begins, and still what was planned. */
import type { ArtifactDeclared, Declared, Diagnostic, Plan, ReleaseDeclared, Step } from '../model/index.ts';
import type { Artifacts } from './artifacts.ts';
import { AppFailure } from './failure.ts';
import type { OpenArtifacts } from './load.ts';

/** What steps send to hosts, each once. */
const artifactsSent = (steps: readonly Step[]): readonly ArtifactDeclared[] => [
  ...new Map(
    steps.flatMap(({ operation }) =>
      operation.op === 'release.put'
        ? [[`${operation.artifact.path} ${operation.artifact.sha256}`, operation.artifact] as const]
        : [],
    ),
  ).values(),
];

/**
 * Plans; where the plan sends what was not fetched yet, fetches it and plans again with its size. Where every host has
 * it nothing is fetched. Throws an `AppFailure` that names every artifact which cannot be had.
 */
export async function withFetched<P extends { readonly steps: readonly Step[] }>(
  artifacts: OpenArtifacts,
  declared: Declared,
  plan: (declared: Declared) => P,
): Promise<P> {
  const first = plan(declared);
  const wanted = artifactsSent(first.steps).filter(({ fromUrl }) => fromUrl === true);
  if (wanted.length === 0) return first;
  const origins = new Map(
    declared.services.map(({ release }) => [release.artifact.sha256, release.origin] as const),
  );
  const fetched = await fetchAll(wanted, await artifacts(), (each) => origins.get(each.sha256));
  if (wanted.every(({ bytes }) => bytes !== null)) return first;
  const complete = (release: ReleaseDeclared): ReleaseDeclared => ({
    ...release,
    artifact: fetched.get(release.artifact.sha256) ?? release.artifact,
  });
  return plan({
    ...declared,
    services: declared.services.map((each) => ({ ...each, release: complete(each.release) })),
  });
}

/** Has everything that the plan sends on this machine. Throws an `AppFailure` that names what cannot be had. */
export async function fetchArtifacts(plan: Plan, artifacts: Artifacts): Promise<void> {
  const wanted = artifactsSent(plan.steps).filter(({ fromUrl }) => fromUrl === true);
  await fetchAll(wanted, artifacts, () => undefined);
}

async function fetchAll(
  wanted: readonly ArtifactDeclared[],
  artifacts: Artifacts,
  originOf: (artifact: ArtifactDeclared) => ReleaseDeclared['origin'] | undefined,
): Promise<ReadonlyMap<string, ArtifactDeclared>> {
  const found = await Promise.all(
    wanted.map(async (artifact) => ({ artifact, outcome: await artifacts.ensure(artifact) })),
  );
  const failures = found.flatMap(({ artifact, outcome }): readonly Diagnostic[] => {
    if (outcome.ok) return [];
    const subject = originOf(artifact);
    return outcome.diagnostics.map((each) => (subject === undefined ? each : { ...each, subject }));
  });
  if (failures.length > 0) throw new AppFailure(failures);
  return new Map(
    found.flatMap(({ outcome }) => (outcome.ok ? [[outcome.value.sha256, outcome.value] as const] : [])),
  );
}

/** What would be sent has to be what was planned. */
export async function changedArtifacts(plan: Plan, artifacts: Artifacts): Promise<readonly Diagnostic[]> {
  const changes = await Promise.all(
    artifactsSent(plan.steps).map(async (planned): Promise<readonly Diagnostic[]> => {
      if (planned.fromUrl === true) return (await artifacts.ensure(planned)).diagnostics;
      const now = await artifacts.read(planned.path, undefined);
      if (!('sha256' in now)) return [now];
      if (now.sha256 === planned.sha256) return [];
      return [
        {
          code: 'artifact-changed',
          severity: 'error',
          summary: 'The saved plan no longer fits the world',
          detail: `${planned.path} had SHA-256 ${planned.sha256.slice(0, 16)}... when the plan was made, and has ${now.sha256.slice(0, 16)}... now.`,
        },
      ];
    }),
  );
  return changes.flat();
}
