import { type StrategyDeclared, unreachable } from '../model/index.ts';
import { planBlueGreen } from './blue-green.ts';
import { planInPlace } from './in-place.ts';
import { nothing, type Strategy } from './strategy.ts';

export function strategyFor(declared: StrategyDeclared): Strategy {
  switch (declared.kind) {
    case 'blue_green':
      return planBlueGreen;
    case 'in_place':
      return planInPlace;
    case 'canary':
    case 'rolling':
      // The configuration refuses them still.
      return () => nothing;
    default:
      return unreachable(declared);
  }
}
