import { Option } from 'commander';

/** Which configuration: `-c FILE`, or the variable. */
export function configOption(): Option {
  return new Option('-c, --config <file>', 'configuration file (YAML)')
    .env('FOCUSD_CONFIG')
    .default('focusd.yaml');
}
