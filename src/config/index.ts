export { AppConfig, ConfigError } from './app-config.js';
export type { ModelPrice } from './model-prices.js';
export { ConfigModule } from './config.module.js';
