import type { DataSource } from 'typeorm';

/** How often is looked; with it, planner statistics and dead rows never get far out of date. */
const INTERVAL_MS = 10_000;
/** PostgreSQL's own thresholds: 50 rows and a tenth (analyze) or a fifth (vacuum) of the table. */
const DUE = `
  SELECT format('%I.%I', schemaname, relname) AS name,
         n_dead_tup > 50 + 0.2 * n_live_tup AS needs_vacuum
  FROM pg_stat_user_tables
  WHERE n_mod_since_analyze > 50 + 0.1 * n_live_tup OR n_dead_tup > 50 + 0.2 * n_live_tup`;

/** What autovacuum does on a server, which the embedded one does not have. @returns a function that stops it */
export function startMaintenance(
  dataSource: DataSource,
  onError: (error: unknown) => void,
): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(() => maintain(dataSource)).catch(onError);
  }, INTERVAL_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}

async function maintain(dataSource: DataSource): Promise<void> {
  const due = await dataSource.query<{ name: string; needs_vacuum: boolean }[]>(DUE);
  // names come quoted from the catalogue
  for (const { name, needs_vacuum } of due)
    await dataSource.query(`${needs_vacuum ? 'VACUUM ANALYZE' : 'ANALYZE'} ${name}`);
}
