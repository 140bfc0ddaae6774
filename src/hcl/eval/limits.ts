/** An evaluation that would take too much memory or time. It becomes an ordinary error with this message. */
export class LimitFailure extends Error {
  override readonly name = 'LimitFailure';
}

/**
 * How large one value may be, counted through all nesting: parts, where every 16 characters of text are one more.
 * That is about 4 million elements or 64 million characters, which fits into 512 MB with room to work in. A value
 * can share its parts with itself, so that a few lines could otherwise stand for more than any memory holds.
 */
export const MAX_PARTS = 4 * 1024 * 1024;
export const CHARACTERS_PER_PART = 16;
/** How deep values may be nested. Terraform's own limit for JSON is 10,000; nobody comes near either. */
export const MAX_DEPTH = 500;
/** How many steps one evaluation may take: a few seconds of work on a slow machine. */
export const MAX_STEPS = 10_000_000;

/** Throws LimitFailure when a value of this size must not be made. */
export function checkSize(parts: number): void {
  if (parts > MAX_PARTS) {
    throw new LimitFailure(
      `A value would have more than ${MAX_PARTS.toLocaleString('en')} elements or more than ` +
        `${(MAX_PARTS * CHARACTERS_PER_PART).toLocaleString('en')} characters.`,
    );
  }
}

/** Throws LimitFailure when a text of this length must not be made. Ask before building it. */
export const checkLength = (characters: number): void => checkSize(characters / CHARACTERS_PER_PART);

/** Counts the work of one or more evaluations, so that no expression runs for ever. */
export class Budget {
  #left: number;

  constructor(steps: number = MAX_STEPS) {
    this.#left = steps;
  }

  /** Takes steps off the budget. Throws LimitFailure when there are none left. */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new LimitFailure('Evaluating it takes too many steps.');
  }
}
