import { Foundation1763800000000 } from './1763800000000-foundation.js';

/** All migrations, oldest first. A shipped migration never changes. */
export const MIGRATIONS = [Foundation1763800000000];
