import { type StrategyDeclared, unreachable } from '../model/index.ts';
import { planBlueGreen } from './blue-green.ts';
import { planCanary } from './canary.ts';
import { planInPlace } from './in-place.ts';
import { planRolling } from './rolling.ts';
import type { Strategy } from './strategy.ts';

export function strategyFor(declared: StrategyDeclared): Strategy {
  switch (declared.kind) {
    case 'blue_green':
      return planBlueGreen;
    case 'in_place':
      return planInPlace;
    case 'canary':
      return planCanary;
    case 'rolling':
      return planRolling;
    default:
      return unreachable(declared);
  }
}
