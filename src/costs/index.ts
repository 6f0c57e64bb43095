export { billEmbedding } from './bill-embedding.js';
export { billReranking } from './bill-reranking.js';
export type { Payer } from './budget.js';
export { Budgets } from './budgets.js';
export { CostsModule } from './costs.module.js';
export { sumCosts, sumDecimals } from './money.js';
export type { BilledCall, Tab } from './tab.js';
export { Tabs } from './tabs.js';
