export { Database, type SqlRunner } from './database.js';
export { isDataError } from './errors.js';
export { DatabaseModule } from './database.module.js';
export { DataFolderLockedError } from './embedded/data-lock.js';
export { DatabaseUnusableError } from './migrate.js';
