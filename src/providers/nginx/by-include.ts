/** nginx decides by a file that it included when it was loaded: for operators who refuse flags. Pure. */
import type { BalancerDeclared } from '../../model/index.ts';
import { allRules } from '../balancer/snippet-words.ts';
import { revisionKey } from './include-file.ts';
import { prefixOf } from './requests.ts';
import { readIncludeSettings } from './settings.ts';
import { type Decision, snippetOf } from './snippet.ts';

function decideByInclude(balancer: BalancerDeclared): Decision {
  const v = prefixOf(balancer);
  const { includeFile } = readIncludeSettings(balancer);
  const rules = allRules(balancer).map((_rule, index) => `${v}_rule_${index},`);
  return {
    prepare: `# Once:  touch ${includeFile}    (deployctl replaces it in each switch, and reloads nginx)`,
    main: [
      '# Workers of the configuration before a reload end after that time, and cut what is still open: websockets.',
      'worker_shutdown_timeout 30s;',
    ],
    maps: [
      '# The whole decision of a route, in one line of the file: stable|canary|buckets|audience.',
      `map ${v}_route ${v}_cell { default ""; include ${includeFile}; }`,
      `map "${revisionKey}" ${v}_revision { default ""; include ${includeFile}; }`,
      `map ${v}_cell ${v}_stable { default ""; "~^([^|]+)\\|" $1; }`,
      `map ${v}_cell ${v}_canary { default ""; "~^[^|]*\\|([^|]+)\\|" $1; }`,
      '# Whether its bucket, or a rule that it meets, is among those that the line names.',
      `map "${v}_bucket|${v}_cell" ${v}_by_share { default ""; "~^(..)\\|[^|]*\\|[^|]*\\|[^|]*,\\1," canary; }`,
      `map ",${rules.join('')}|${v}_cell" ${v}_by_rule { default ""; "~,([^,|]+),[^|]*\\|[^|]*\\|[^|]*\\|[^|]*\\|.*,\\1," canary; }`,
      `map "${v}_by_share${v}_by_rule" ${v}_pool { default ${v}_canary; "" ${v}_stable; }`,
    ],
    rules: [],
    told: { Revision: `"${v}_revision"`, Cell: `"${v}_cell"` },
  };
}

export const renderIncludeSnippet = snippetOf(decideByInclude);
