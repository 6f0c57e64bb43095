import { Counter, Gauge, register } from 'prom-client';

const registers = [register];
const labelNames = ['scope', 'period'] as const;

/** Budgets as Prometheus metrics of this process; the gauges are those of all replicas together. */
export const budgetMetrics = {
  limit: new Gauge({ name: 'footnote_budget_limit_usd', help: 'The budget.', labelNames, registers }),
  spent: new Gauge({
    name: 'footnote_budget_spent_usd',
    help: 'Spent of the budget in its current period.',
    labelNames,
    registers,
  }),
  reserved: new Gauge({
    name: 'footnote_budget_reserved_usd',
    help: 'Held by calls under way: the most that they may still cost.',
    labelNames,
    registers,
  }),
  refusals: new Counter({
    name: 'footnote_budget_refusals_total',
    help: 'Calls refused because they could have passed the budget.',
    labelNames,
    registers,
  }),
  warnings: new Counter({
    name: 'footnote_budget_warnings_total',
    help: 'Times that 80 % of the budget were spent; once a period, by the replica that saw it.',
    labelNames,
    registers,
  }),
  overruns: new Counter({
    name: 'footnote_budget_overruns_total',
    help: 'Calls that cost more than was reserved for them: a provider billed more tokens than it was asked for.',
    registers,
  }),
  expired: new Counter({
    name: 'footnote_budget_leases_expired_total',
    help: 'Reservations freed because the process that held them had stopped renewing them.',
    registers,
  }),
};
