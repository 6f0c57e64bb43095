import { Counter, Gauge, register } from 'prom-client';
import type { BreakerState } from './circuit-breaker.js';

const registers = [register];
const STATES: Record<BreakerState, number> = { closed: 0, half_open: 1, open: 2 };

const breakers = new Gauge({
  name: 'footnote_circuit_breaker_state',
  help: "A model's circuit breaker: 0 closed, 1 half open (one call probes), 2 open.",
  labelNames: ['model'],
  registers,
});
const openings = new Counter({
  name: 'footnote_circuit_breaker_openings_total',
  help: "Times that a model's circuit breaker opened.",
  labelNames: ['model'],
  registers,
});
const inFlight = new Gauge({
  name: 'footnote_provider_calls_in_flight',
  help: 'Calls to a provider that are under way.',
  labelNames: ['provider'],
  registers,
});
const queued = new Gauge({
  name: 'footnote_provider_calls_queued',
  help: 'Calls to a provider that wait for a place.',
  labelNames: ['provider'],
  registers,
});
const refused = new Counter({
  name: 'footnote_provider_calls_refused_total',
  help: 'Calls that found no place within the limit of calls in flight to a provider.',
  labelNames: ['provider'],
  registers,
});

export function countBreaker(model: string, state: BreakerState): void {
  breakers.set({ model }, STATES[state]);
  if (state === 'open') openings.inc({ model });
}

export function countPlaces(provider: string, places: { inFlight: number; queued: number }): void {
  inFlight.set({ provider }, places.inFlight);
  queued.set({ provider }, places.queued);
}

export function countRefusal(provider: string): void {
  refused.inc({ provider });
}
