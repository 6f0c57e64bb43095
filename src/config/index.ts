export { AppConfig, ConfigError, type ModelPrice } from './app-config.js';
export { ConfigModule } from './config.module.js';
