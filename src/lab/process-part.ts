/** What a process of the lab has in common with the others: started detached, told by its parent what to be. */

export interface Part {
  close(): Promise<void>;
}

/**
 * Runs `start` with what the parent said, tells it whether that went well, and goes on until SIGTERM; then closes what
 * was started, the newest first.
 */
export function runPart<T>(start: (told: T, parts: Part[]) => Promise<void>): void {
  const parts: Part[] = [];
  const closeAll = async (): Promise<void> => {
    for (const part of parts.splice(0).reverse()) await part.close();
  };
  const tell = (message: unknown): void => {
    process.send?.(message);
    process.disconnect?.();
  };
  process.umask(0o077);
  process.once('SIGTERM', () => void closeAll());
  void start(JSON.parse(process.argv[2] ?? '{}') as T, parts).then(
    () => tell({ ready: true }),
    async (error: NodeJS.ErrnoException & { readonly cause?: NodeJS.ErrnoException }) => {
      tell({ ready: false, message: error.message, code: error.code ?? error.cause?.code });
      await closeAll();
      process.exitCode = 1;
    },
  );
}
