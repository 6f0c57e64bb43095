export { CostsModule } from './costs.module.js';
export { Ledger, type LedgerEntry, sumCosts } from './ledger.js';
