/** Rows of SQLite as typed values. A column of another type is damage, not a surprise to work around. */
import type { SQLOutputValue } from 'node:sqlite';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Link } from './chain.ts';

export type Row = Record<string, SQLOutputValue>;

export class RowDamage extends Error {}

export function textOf(row: Row | undefined, column: string): string {
  const value = row?.[column];
  if (typeof value !== 'string') throw new RowDamage(`column ${column} holds no text`);
  return value;
}

export function integerOf(row: Row | undefined, column: string): number {
  const value = row?.[column];
  if (typeof value !== 'number') throw new RowDamage(`column ${column} holds no number`);
  return value;
}

export function bytesOf(row: Row | undefined, column: string): Uint8Array {
  const value = row?.[column];
  if (!(value instanceof Uint8Array)) throw new RowDamage(`column ${column} holds no bytes`);
  return value;
}

export const linkOf = (row: Row): Link => ({
  seq: integerOf(row, 'seq'),
  kind: textOf(row, 'kind'),
  body: textOf(row, 'body'),
  hash: textOf(row, 'hash'),
});

/** Level 1: a plan is mostly repetition, and the fastest level already takes nine tenths of it away. */
export const pack = (json: string): Uint8Array => deflateRawSync(json, { level: 1 });
export const unpack = (bytes: Uint8Array): string => inflateRawSync(bytes).toString('utf8');
