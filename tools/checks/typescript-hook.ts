/**
 * Gives dependency-cruiser the compiler that it can read TypeScript with: version 7 has no JavaScript API, so version 6
 * stands beside it under another name. To be dropped when dependency-cruiser takes version 7.
 *
 *   node --import ./tools/checks/typescript-hook.ts node_modules/dependency-cruiser/bin/dependency-cruise.mjs ...
 */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, nextResolve) {
    const asks = context.parentURL?.includes('/node_modules/dependency-cruiser/') === true;
    return nextResolve(
      asks ? specifier.replace(/^typescript(?=\/|$)/, '@typescript/typescript6') : specifier,
      context,
    );
  },
});
