/** The arguments of `load_balancer "apache"`. */
import type { BalancerDeclared } from '../../model/index.ts';
import type { SettingSchema } from '../registry-entry.ts';

export const mapFileSetting: SettingSchema = {
  name: 'map_file',
  type: 'path',
  required: true,
  description:
    'The file, on its hosts, of the RewriteMap that is looked up for each request, and read again when it has changed. It must exist; it may be empty.',
};

export const readMapFile = ({ settings }: BalancerDeclared): string => String(settings.map_file);
