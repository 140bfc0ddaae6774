/** `moved` blocks: what is recorded under one address is now declared under another. */

import { referenceText } from '../hcl/eval/references.ts';
import { didYouMean } from '../hcl/eval/suggestion.ts';
import type { Expression } from '../hcl/syntax/ast.ts';
import { type Address, asAddress, isWithin, type Move, retrace, serviceName } from '../model/index.ts';
import type { Reporter } from './evaluation.ts';
import type { Place } from './problems.ts';
import { placeOf } from './problems.ts';
import type { World } from './world.ts';

interface WrittenMove extends Move {
  readonly fromPlace: Place;
  readonly toPlace: Place;
}

/** What can be moved: whatever the state knows by an address, and whole modules of it. */
const movable = ['service', 'host', 'load_balancer', 'dns_zone', 'release', 'module'];

/** All moves, checked, in the order in which they follow one another: `a -> b` stands before `b -> c`. */
export function movesOf(world: World, report: Reporter): readonly Move[] {
  const moves = world.moves.flatMap(({ decoded }): WrittenMove[] => {
    const fromPlace = placeOf(decoded.scope.source, decoded.args.from);
    const toPlace = placeOf(decoded.scope.source, decoded.args.to);
    const from = addressOf(decoded.args.from, fromPlace, report);
    const to = addressOf(decoded.args.to, toPlace, report);
    return from === undefined || to === undefined ? [] : [{ from, to, fromPlace, toPlace }];
  });
  const sound = moves.filter((move) => isSound(move, moves, world, report));
  return inOrder(sound, report).map(({ from, to }) => ({ from, to }));
}

/**
 * The name that a service's units are called by on the hosts, and its pools and its route by default: the one that it
 * had before it moved, so that a new name restarts nothing. undefined: its own.
 */
export function knownAs(service: Address, moves: readonly Move[]): string | undefined {
  const address = retrace(service, moves);
  return address === service ? undefined : serviceName(address);
}

function addressOf(expression: Expression, place: Place, report: Reporter): Address | undefined {
  if (expression.kind === 'traversal' && movable.includes(expression.root)) {
    const plain = expression.steps.every(
      (each) => each.kind === 'attributeStep' || each.key.kind === 'string' || each.key.kind === 'number',
    );
    if (plain && expression.steps[0]?.kind === 'attributeStep') return asAddress(referenceText(expression));
  }
  report.error(place, {
    code: 'moved-address',
    summary: 'Invalid address',
    detail: `A moved block needs the address of something that the state knows: one that begins with ${movable.slice(0, -1).join(', ')} or module.`,
    hint: 'Such as service.shop, host.web["web-1"] or module.shops. It is written as it is, without quotes.',
  });
  return undefined;
}

/** The type at the end of an address, without the modules before it. */
const typeOf = (address: Address): string =>
  /(?:^|\.)(service|host|load_balancer|dns_zone|release)\./.exec(address)?.[1] ?? 'module';

function isSound(move: WrittenMove, all: readonly WrittenMove[], world: World, report: Reporter): boolean {
  const { from, to, fromPlace, toPlace } = move;
  if (typeOf(from) !== typeOf(to)) {
    report.error(toPlace, {
      code: 'moved-type',
      summary: 'Move between different types',
      detail: `${from} cannot become ${to}: both addresses of a move must be of the same type.`,
    });
    return false;
  }
  if (from === to) {
    report.error(toPlace, {
      code: 'moved-nowhere',
      summary: 'Redundant move statement',
      detail: `This block says that ${from} has moved to where it was before.`,
      hint: 'Take the block out.',
    });
    return false;
  }
  const rival = all.find((each) => each !== move && (each.from === from || each.to === to));
  if (rival !== undefined && all.indexOf(rival) < all.indexOf(move)) {
    const same = rival.from === from;
    const at = rival.fromPlace.source.rangeOf(rival.fromPlace.span);
    report.error(same ? fromPlace : toPlace, {
      code: 'moved-ambiguous',
      summary: 'Ambiguous move statements',
      detail: same
        ? `A block at ${at.file}:${at.start.line} says that ${from} moved to ${rival.to}, and this one that it moved to ${to}: it can be in one place only.`
        : `A block at ${at.file}:${at.start.line} says that ${rival.from} moved to ${to}, and this one says the same of ${from}: only one of them can have become it.`,
    });
    return false;
  }
  const declared = addressesOf(world);
  // What had no instances and has some now moved to one of them: the others are new.
  const isStill = (address: Address): boolean =>
    isWithin(to, from) ? address === from : isWithin(address, from);
  if (declared.some(isStill)) {
    report.error(fromPlace, {
      code: 'moved-still-there',
      summary: 'Moved object still exists',
      detail: `This block says that ${from} has moved to ${to}, but ${from} is still declared.`,
      hint: 'Take out the one or the other: what has moved is declared under its new address only.',
    });
    return false;
  }
  const goesOn = all.some((each) => isWithin(to, each.from));
  if (!goesOn && !declared.some((address) => isWithin(address, to)) && !world.unread.has(typeOf(to))) {
    const meant = didYouMean(to, declared);
    report.error(toPlace, {
      code: 'moved-to-undeclared',
      summary: 'Move to something that is not declared',
      detail: `Nothing is declared as ${to}.${meant === undefined ? '' : ` ${meant}`}`,
      hint: meant === undefined ? `If ${from} is simply gone, take the block out.` : undefined,
    });
    return false;
  }
  return true;
}

const addressesOf = (world: World): readonly Address[] =>
  [...world.services, ...world.hosts, ...world.balancers, ...world.zones, ...world.releases].map(
    ({ address }) => address,
  );

/** A move stands before the one that goes on from where it ended. */
function inOrder(moves: readonly WrittenMove[], report: Reporter): readonly WrittenMove[] {
  const ordered: WrittenMove[] = [];
  const open = new Set<WrittenMove>();
  const visit = (move: WrittenMove): void => {
    if (ordered.includes(move)) return;
    if (open.has(move)) {
      report.error(move.fromPlace, {
        code: 'moved-cycle',
        summary: 'Cyclic dependency in move statements',
        detail: `${[...open].map((each) => each.from).join(', ')} move to each other in a circle, so that none of them can have been the first.`,
      });
      return;
    }
    open.add(move);
    for (const earlier of moves) {
      if (earlier !== move && isWithin(move.from, earlier.to)) visit(earlier);
    }
    open.delete(move);
    if (!ordered.includes(move)) ordered.push(move);
  };
  for (const move of moves) visit(move);
  return ordered;
}
