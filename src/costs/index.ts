export { CostSummary } from './cost-summary.dto.js';
export { CostsModule } from './costs.module.js';
export { Ledger, type LedgerEntry, sumCosts } from './ledger.js';
