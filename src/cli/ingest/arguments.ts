import { parseArgs } from 'node:util';
import { UsageError } from '../errors.js';

/** What the command was asked to do. */
export interface IngestOptions {
  /** Files, folders and globs, as they were named. */
  paths: string[];
  /** Where to file the documents. */
  collection: string;
  /** The service, without a slash at its end; undefined: the one of the configuration. */
  url: string | undefined;
  /** Sent to the service; undefined: the one of the configuration. */
  apiKey: string | undefined;
  /** Whether to go on with what changes later. */
  watches: boolean;
}

export const USAGE = `Brings files and folders of documents into Footnote.

usage: npm run ingest -- <folder|file|glob>… [options]

  --collection NAME   where to file them (default: default)
  --watch             then go on with new and changed files, until Ctrl-C
  --url URL           the service; absent: the one at HOST:PORT of the environment or .env if it answers,
                      else the configured database is opened by this command itself
  --api-key KEY       the service's key (default: ADMIN_API_KEY of the environment or .env)
  --help              this text

A folder is read with all its subfolders, but for hidden files, links, node_modules and formats that cannot be read;
quote a glob. A file that is named itself is always sent. What the service has already, unchanged, is not sent again,
so an interrupted run is resumed by running it again. A deleted file stays in the service.

The external_id of a document, by which a new version replaces the old one, is its path from the named folder on
(handbook/keys/lost.md for ./handbook and for /srv/handbook); a glob counts as the folder before its first wildcard. A
file that is named itself goes by its path from the working directory or, outside of that, from its own folder on. Of
two arguments that name the same file, the first counts.

exit code: 0 all searchable or unchanged; 1 some failed; 2 wrong usage, or the service cannot be reached or refuses the
key; 130 interrupted`;

/** Reads the command line. @throws UsageError */
export function readArguments(argv: readonly string[]): IngestOptions | 'help' {
  const { values, positionals } = parse(argv);
  if (values.help === true) return 'help';
  if (positionals.length === 0) throw new UsageError('Name a folder, a file or a glob.');
  return {
    paths: positionals,
    collection: values.collection ?? 'default',
    url: serviceUrl(values.url),
    apiKey: values['api-key'],
    watches: values.watch ?? false,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        collection: { type: 'string' },
        url: { type: 'string' },
        'api-key': { type: 'string' },
        watch: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function serviceUrl(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '')
    throw new UsageError('--url takes the http(s) address of a service, such as http://127.0.0.1:3000.');
  return url.href.replace(/\/+$/, '');
}
