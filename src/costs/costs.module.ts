import { Module } from '@nestjs/common';
import { collectDefaultMetrics, register } from 'prom-client';
import { Budgets } from './budgets.js';
import { CostSummaryService } from './cost-summary.service.js';
import { Ledger } from './ledger.js';
import { MetricsController } from './metrics.controller.js';
import { PriceList } from './pricing.js';
import { Tabs } from './tabs.js';
import { UsageController } from './usage/usage.controller.js';
import { UsageService } from './usage/usage.service.js';

// once a process, whatever the number of applications in it
if (register.getSingleMetric('process_cpu_seconds_total') === undefined) collectDefaultMetrics({ register });

/** Prices, budgets, the ledger and the bill. */
@Module({
  controllers: [MetricsController, UsageController],
  providers: [PriceList, Budgets, Ledger, Tabs, CostSummaryService, UsageService],
  exports: [Tabs, Budgets],
})
export class CostsModule {}
