/** Makes of a command with `ENV` in it one that can be pasted as it stands. */
export type Pasteable = (text: string) => string;

/** Where nothing more is known than the name of the environment. */
export const byName =
  (environment: string): Pasteable =>
  (text) =>
    text.replaceAll(/\bENV\b/g, environment);
