/** npm run check: every check of the sources. Exits 1 where one fails. */
import { runChecks } from './checks/checks.ts';

const results = await runChecks();
if (results.some(({ ok }) => !ok)) process.exitCode = 1;
