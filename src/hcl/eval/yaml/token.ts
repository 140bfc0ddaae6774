/** What the scanner makes of a YAML text; the names are libyaml's. */
export type Token =
  | { readonly type: Mark; readonly at: number }
  | { readonly type: 'alias' | 'anchor'; readonly name: string; readonly at: number }
  | { readonly type: 'tag'; readonly handle: string; readonly suffix: string; readonly at: number }
  | { readonly type: 'tag directive'; readonly handle: string; readonly prefix: string; readonly at: number }
  | { readonly type: 'scalar'; readonly text: string; readonly style: Style; readonly at: number };

type Mark =
  | 'stream end'
  | 'version directive'
  | 'document start'
  | 'document end'
  | 'block sequence start'
  | 'block mapping start'
  | 'block end'
  | 'flow sequence start'
  | 'flow sequence end'
  | 'flow mapping start'
  | 'flow mapping end'
  | 'block entry'
  | 'flow entry'
  | 'key'
  | 'value';

export type Style = 'plain' | 'single quoted' | 'double quoted' | 'block';
