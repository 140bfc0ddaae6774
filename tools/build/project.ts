import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

interface Package {
  readonly name: string;
  readonly version: string;
  readonly description: string;
}

const root = resolve(import.meta.dirname, '../..');
const { name, version, description } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as Package;

/** This project: its folder and what its package.json calls it. */
export const project = { root, name, version, description };
