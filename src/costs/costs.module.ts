import { Module } from '@nestjs/common';
import { collectDefaultMetrics, register } from 'prom-client';
import { CostSummaryService } from './cost-summary.service.js';
import { Ledger } from './ledger.js';
import { MetricsController } from './metrics.controller.js';
import { PriceList } from './pricing.js';

// once a process, whatever the number of applications in it
if (register.getSingleMetric('process_cpu_seconds_total') === undefined) collectDefaultMetrics({ register });

/** Prices, the ledger and the bill. */
@Module({
  controllers: [MetricsController],
  providers: [PriceList, Ledger, CostSummaryService],
  exports: [Ledger],
})
export class CostsModule {}
