import type { FunctionTable } from '../hcl/eval/scope.ts';

export const functions: FunctionTable = new Map();
