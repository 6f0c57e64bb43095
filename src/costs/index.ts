export { billEmbedding } from './bill-embedding.js';
export { Budgets } from './budgets.js';
export { CostsModule } from './costs.module.js';
export { sumCosts } from './money.js';
export type { BilledCall, FinishedCall, Tab } from './tab.js';
export { Tabs } from './tabs.js';
