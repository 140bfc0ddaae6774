/** A port that drops what comes, as a firewall or a machine without power does: nobody answers, nobody refuses. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * Listens with the shortest queue, fills it, and takes nothing from it. After that the kernel drops every further SYN,
 * so a connect waits for its own timeout. Needs no rights and no firewall.
 */
export async function silentListener(address: string, port: number): Promise<AsyncDisposable> {
  const child = spawn(
    process.execPath,
    [
      '-e',
      'require("node:net").createServer().listen({ host: process.argv[1], port: Number(process.argv[2]), backlog: 1 }, () => console.log("up"))',
      address,
      String(port),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  const fillers = Array.from({ length: 8 }, () => connect({ host: address, port }).on('error', () => {}));
  await new Promise((resolve) => setTimeout(resolve, 200));
  return {
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}
