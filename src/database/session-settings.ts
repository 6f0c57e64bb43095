/**
 * Settings of every database session, the same for all, so that connection poolers and the embedded server (whose
 * connections share one session) cannot mix them up.
 *
 * - `hnsw.ef_search`: how many neighbours the vector index keeps in sight; it bounds what one scan can return. Searches of
 *   large collections have more in sight.
 * - `hnsw.iterative_scan`: go on scanning when a filter removes neighbours, instead of returning too few. Relaxed: what a
 *   later scan finds nearer than the last of an earlier one is kept, too; callers do not rely on the order.
 * - `random_page_cost`: pages come from memory or flash, where the default of 4 makes the planner shun indexes.
 */
export const SESSION_SETTINGS: Record<string, string> = {
  'hnsw.ef_search': '200',
  'hnsw.iterative_scan': 'relaxed_order',
  random_page_cost: '1.1',
};
