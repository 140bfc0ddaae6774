export { type Evaluation, evaluate, evaluateText } from './evaluate.ts';
export type { FunctionDefinition, Parameter } from './functions/definition.ts';
export { FUNCTIONS } from './functions/index.ts';
export { references, referenceText } from './references.ts';
export { bindings, type Resolution, type Roots, rootsOf, Scope, type ScopeOptions } from './scope.ts';
export type { Value } from './values.ts';
