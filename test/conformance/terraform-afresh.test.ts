import { expect, test } from 'vitest';
import { askTerraform, terraformVersion } from './ask-terraform.ts';
import { answers } from './terraform-answers.ts';

/** As many as are answered in some seconds, others each day. */
const SAMPLE = 250;
/** The answers of another version may differ. */
const version = terraformVersion();

/** Integer keys come first in JavaScript, wherever they stood. */
const isOrdered = (json: string | undefined): boolean => !/"\d+":/.test(json ?? '');

test.skipIf(version !== '1.11.4')(
  'what is recorded is what Terraform 1.11.4 answers today',
  () => {
    const eligible = answers.filter(
      ({ crash, json, stage }) => crash !== true && stage !== 'parse' && isOrdered(json),
    );
    const day = Math.floor(Date.now() / 86_400_000);
    const start = (day * SAMPLE) % eligible.length;
    const sample = [...eligible, ...eligible].slice(start, start + SAMPLE);
    const afresh = askTerraform(sample.map(({ expr }) => expr));
    for (const [i, recorded] of sample.entries()) {
      const { expr, json, unknown, stage } = afresh[i] ?? { expr: '' };
      expect({ expr, json, unknown, isRefused: stage !== undefined }).toEqual({
        expr: recorded.expr,
        json: recorded.json === '-0' ? '0' : recorded.json,
        unknown: recorded.unknown,
        isRefused: recorded.stage !== undefined,
      });
    }
  },
  240_000,
);
