/** `required_version`: constraints on the version of deployctl, in Terraform's notation. */
import type { Refusal } from './quantities.ts';

type Version = readonly [number, number, number];

interface Bound {
  readonly operator: string;
  readonly version: Version;
  /** How many numbers were written: `~> 1.2` and `~> 1.2.0` differ. */
  readonly parts: number;
}

const bound = /^(=|!=|>=|<=|>|<|~>)?\s*v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-[0-9A-Za-z.-]+)?$/;

function readBounds(text: string): readonly Bound[] | Refusal {
  const bounds: Bound[] = [];
  for (const part of text.split(',')) {
    const match = bound.exec(part.trim());
    if (match === null) {
      return {
        refused: `"${part.trim()}" is not a version constraint.`,
        hint: 'Write for example ">= 0.1.0", "~> 1.2" or ">= 1.0, < 2.0".',
      };
    }
    const [, operator = '=', major = '0', minor, patch] = match;
    bounds.push({
      operator,
      version: [Number(major), Number(minor ?? 0), Number(patch ?? 0)],
      parts: patch !== undefined ? 3 : minor !== undefined ? 2 : 1,
    });
  }
  return bounds;
}

const compare = (a: Version, b: Version): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];

function allows({ operator, version, parts }: Bound, given: Version): boolean {
  const order = compare(given, version);
  switch (operator) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    default:
      // The last number written may grow, those before it may not.
      return order >= 0 && given[0] === version[0] && (parts < 3 || given[1] === version[1]);
  }
}

/** Whether a version satisfies a constraint; a refusal when the constraint cannot be read. */
export function satisfies(version: string, constraint: string): boolean | Refusal {
  const bounds = readBounds(constraint);
  if ('refused' in bounds) return bounds;
  const [major = 0, minor = 0, patch = 0] = version.split('-')[0]?.split('.').map(Number) ?? [];
  return bounds.every((each) => allows(each, [major, minor, patch]));
}
