import { setTimeout as wait } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import type { Payer } from './budget.js';
import { Budgets } from './budgets.js';
import { Ledger } from './ledger.js';
import { PriceList } from './pricing.js';
import { Tab } from './tab.js';

/** A service that stops waits this long for calls that were cut off to be written down. */
const LAST_SETTLEMENTS_MS = 10_000;

/** Opens a tab for everything that calls models. */
@Injectable()
export class Tabs implements BeforeApplicationShutdown {
  private readonly open = new Set<Tab>();

  constructor(
    private readonly ledger: Ledger,
    private readonly budgets: Budgets,
    private readonly prices: PriceList,
  ) {}

  /**
   * @param requestId the ask, search or document that the calls serve
   * @param isRequest whether they count as a request: true for one tab of each ask and search
   * @param payer whose budgets and tokens a minute they are held in
   */
  openTab(requestId: string, isRequest: boolean, payer: Payer): Tab {
    const { ledger, budgets, prices } = this;
    const tab: Tab = new Tab(requestId, isRequest, payer, {
      ledger,
      budgets,
      prices,
      onSettled: () => this.open.delete(tab),
    });
    this.open.add(tab);
    return tab;
  }

  /** The database closes after this: what is still open is settled first. */
  async beforeApplicationShutdown(): Promise<void> {
    const end = performance.now() + LAST_SETTLEMENTS_MS;
    while (this.open.size > 0 && performance.now() < end) await wait(10);
    await this.ledger.flush();
  }
}
