import { Foundation1763800000000 } from './1763800000000-foundation.js';
import { Money1764000000000 } from './1764000000000-money.js';
import { Knowledge1764100000000 } from './1764100000000-knowledge.js';

/** All migrations, oldest first. A shipped migration never changes. */
export const MIGRATIONS = [Foundation1763800000000, Money1764000000000, Knowledge1764100000000];
