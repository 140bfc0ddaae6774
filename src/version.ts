import manifest from '../package.json' with { type: 'json' };

/** What `deployctl --version` says and what plans and records carry. */
export const VERSION: string = manifest.version;

/** The oldest Node that the program runs on, as package.json's `engines` says it: `>=24.15`. */
export const NODE_RANGE: string = manifest.engines.node;
