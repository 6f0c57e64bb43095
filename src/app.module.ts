import { type DynamicModule, Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { AskModule } from './ask/index.js';
import { AuthModule } from './auth/index.js';
import { CommonModule } from './common/index.js';
import { type AppConfig, ConfigModule } from './config/index.js';
import { CostsModule } from './costs/index.js';
import { DatabaseModule } from './database/index.js';
import { DocumentsModule } from './documents/index.js';
import { HealthModule } from './health/index.js';
import { loggerOptions } from './logger-options.js';
import { RateLimitsModule } from './rate-limits/index.js';

/** The service. Guards run in the order of their modules: who is it, then how much. */
@Module({})
export class AppModule {
  static forRoot(config: AppConfig): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config),
        LoggerModule.forRoot(loggerOptions(config)),
        CommonModule,
        DatabaseModule,
        AuthModule,
        RateLimitsModule,
        CostsModule,
        DocumentsModule,
        AskModule,
        HealthModule,
      ],
    };
  }
}
