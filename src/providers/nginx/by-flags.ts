/** nginx decides by whether files exist, which it looks at for each request. Pure. */
import type { BalancerDeclared } from '../../model/index.ts';
import { readFlagsDir } from '../balancer/flags/settings.ts';
import { allRules } from '../balancer/snippet-words.ts';
import { prefixOf } from './requests.ts';
import { type Decision, snippetOf } from './snippet.ts';

function decideByFlags(balancer: BalancerDeclared): Decision {
  const v = prefixOf(balancer);
  const flagsDir = readFlagsDir(balancer);
  const pools = balancer.pools.map(({ name }) => name);
  return {
    prepare: `# Once:  mkdir -p ${flagsDir}    (nginx must be able to read it)`,
    main: [],
    maps: [],
    rules: [
      '# `live` is resolved once, so that a request is decided by one revision only. Where it cannot be read, by none: 503.',
      `root ${flagsDir}/live;`,
      'open_file_cache off;',
      `set ${v}_revision $realpath_root;`,
      `set ${v}_stable "";`,
      ...pools.map((pool) => `if (-e ${v}_revision/${v}_route/stable/${pool}) { set ${v}_stable ${pool}; }`),
      `set ${v}_canary ${v}_stable;`,
      ...pools.map((pool) => `if (-e ${v}_revision/${v}_route/canary/${pool}) { set ${v}_canary ${pool}; }`),
      `set ${v}_pool ${v}_stable;`,
      `if (-e ${v}_revision/${v}_route/bucket/${v}_bucket) { set ${v}_pool ${v}_canary; }`,
      ...allRules(balancer).map(
        (_rule, index) =>
          `if (-e ${v}_revision/${v}_route/audience/${v}_rule_${index}) { set ${v}_pool ${v}_canary; }`,
      ),
    ],
    told: { Revision: `${v}_revision` },
  };
}

export const renderFlagsSnippet = snippetOf(decideByFlags);
