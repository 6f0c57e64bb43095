import { UsageError } from '../errors.js';
import { parseArgs } from 'node:util';

/** What the command is told. */
export interface ReembedOptions {
  collection: string;
  /** Absent: stop what is going on. */
  model: string | undefined;
  /** Where the service is, without a slash at its end; absent: where the environment says. */
  url: string | undefined;
}

export const USAGE = `usage: npm run reembed -- <collection> --model <model> [--url <service>]
       npm run reembed -- <collection> --stop [--url <service>]

Embeds a collection with another model while it goes on being searched, and switches it when all is embedded.
Run it again to follow one that goes on, or to go on with one that was stopped or has failed.

  --model <model>   as EMBEDDING_MODEL takes it: openai/text-embedding-3-small, lexical-hash, ...
  --stop            stop; what has been embedded is kept
  --url <service>   where the service runs; else HOST and PORT are tried, else it runs in this process
                    (ADMIN_API_KEY is sent where it is set)

Exit code: 0 when the collection is switched, 1 when that failed, 2 when the command or the connection is wrong.`;

/** @throws UsageError */
export function readOptions(args: readonly string[]): ReembedOptions {
  const { positionals, values } = parsed(args);
  const [collection, ...more] = positionals;
  if (collection === undefined || more.length > 0) throw new UsageError('Name one collection.');
  const isStop = values.stop === true;
  if (isStop === (values.model !== undefined)) throw new UsageError('Say either --model or --stop.');
  if (values.url !== undefined && !URL.canParse(values.url))
    throw new UsageError(`--url takes an address such as http://127.0.0.1:3000, not ${values.url}`);
  return { collection, model: values.model, url: values.url?.replace(/\/+$/, '') };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { model: { type: 'string' }, stop: { type: 'boolean' }, url: { type: 'string' } },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
