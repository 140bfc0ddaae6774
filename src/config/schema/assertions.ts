/** Conditions with messages, in the blocks that have them. */

import { type PlainShape, required } from './shape.ts';
import { raw } from './types/references.ts';

export const assertionShape = (description: string) =>
  ({
    description,
    labels: [],
    arguments: {
      condition: required(raw('bool', 'a condition'), 'What must be true.'),
      error_message: required(raw('string', 'a message'), 'What to say when it is not.'),
    },
  }) as const satisfies PlainShape;

export const preconditionShape = assertionShape(
  'What must hold before the block counts; an error if it does not.',
);
