import {
  Global,
  Inject,
  Injectable,
  Logger,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { AppConfig } from '../config/index.js';
import { dataSourceOptions } from './data-source-options.js';
import { Database } from './database.js';
import { startMaintenance } from './embedded/embedded-maintenance.js';
import { EmbeddedPostgres } from './embedded/embedded-postgres.js';
import { migrateServer } from './migrate.js';

const EMBEDDED = Symbol('embedded PostgreSQL');

/** Looks after the embedded server, and stops it after TypeORM has closed its connections to it. */
@Injectable()
class EmbeddedLifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('EmbeddedPostgres');
  private stopMaintenance: (() => Promise<void>) | undefined;

  constructor(
    @Inject(EMBEDDED) private readonly embedded: EmbeddedPostgres | undefined,
    private readonly dataSource: DataSource,
  ) {}

  onApplicationBootstrap(): void {
    if (this.embedded !== undefined)
      this.stopMaintenance = startMaintenance(this.dataSource, (error) =>
        this.logger.warn({ err: error }, 'Maintenance of the embedded database failed'),
      );
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.embedded === undefined) return;
    await this.stopMaintenance?.();
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
    await this.embedded.stop();
  }
}

@Module({
  providers: [
    {
      provide: EMBEDDED,
      inject: [AppConfig],
      useFactory: async ({ database }: AppConfig): Promise<EmbeddedPostgres | undefined> => {
        if (database.url !== undefined) return undefined;
        const embedded = await EmbeddedPostgres.start(database.dataDir);
        embedded.onCrash((error) => {
          new Logger('EmbeddedPostgres').fatal(`The embedded database failed: ${error.message}`);
          // its state is unknown; a restart recovers from its write-ahead log
          process.exit(1);
        });
        return embedded;
      },
    },
  ],
  exports: [EMBEDDED],
})
class EmbeddedModule {}

/** The database: one pool for entities and hand-written SQL, on a server or embedded in this process. */
@Global()
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      imports: [EmbeddedModule],
      inject: [AppConfig, EMBEDDED],
      useFactory: ({ database }: AppConfig, embedded: EmbeddedPostgres | undefined) => ({
        ...dataSourceOptions(
          database.url === undefined ? { socketFolder: embedded?.host ?? '' } : { url: database.url },
        ),
        autoLoadEntities: true,
        retryAttempts: 1,
        toRetry: () => false,
      }),
      dataSourceFactory: async (options) => {
        if (options === undefined) throw new TypeError('no data source options');
        const dataSource = await new DataSource(options).initialize();
        if ('url' in options && options.url !== undefined) await migrateServer(dataSource, options.url);
        else await dataSource.runMigrations();
        return dataSource;
      },
    }),
    EmbeddedModule,
  ],
  providers: [Database, EmbeddedLifecycle],
  exports: [Database],
})
export class DatabaseModule {}
