import { Module } from '@nestjs/common';
import { MulterModule } from '@nestjs/platform-express';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AppConfig } from '../config/index.js';
import { CostsModule } from '../costs/index.js';
import { EmbeddingsModule } from '../embeddings/index.js';
import { CollectionsController } from './collections.controller.js';
import { CollectionsService } from './collections.service.js';
import { DocumentsController } from './documents.controller.js';
import { DocumentsService } from './documents.service.js';
import { CollectionEntity } from './entities/collection.entity.js';
import { DocumentEntity } from './entities/document.entity.js';
import { ChunkWriter } from './ingestion/chunk-writer.js';
import { Claims } from './ingestion/claim.js';
import { IngestionLifecycle } from './ingestion/ingestion-lifecycle.js';
import { IngestionProgress } from './ingestion/ingestion-progress.js';
import { IngestionService } from './ingestion/ingestion.service.js';
import { IntakeService } from './ingestion/intake.service.js';
import { JobQueue } from './ingestion/job-queue.js';
import { PassageEmbedder } from './ingestion/passage-embedder.js';
import { RequestReader } from './ingestion/request-reader.js';
import { UploadFolder, UploadFolderModule } from './ingestion/upload-folder.js';
import { JobBroker } from './jobs/job-broker.js';
import { DocumentParser } from './parsing/document-parser.js';
import { Builds } from './reembedding/builds.js';
import { Reembedder } from './reembedding/reembedder.js';
import { ReembeddingController } from './reembedding/reembedding.controller.js';
import { ReembeddingLifecycle } from './reembedding/reembedding-lifecycle.js';
import { ReembeddingQueue } from './reembedding/reembedding-queue.js';
import { ReembeddingService } from './reembedding/reembedding.service.js';
import { RetiredSpaces } from './reembedding/retired-spaces.js';
import { RemoteFetcher } from './remote/remote-fetcher.js';

const MAX_FILES = 20;
const MAX_FIELDS = 20;

/** What the service knows: collections and documents, and how they come in. */
@Module({
  imports: [
    TypeOrmModule.forFeature([CollectionEntity, DocumentEntity]),
    MulterModule.registerAsync({
      imports: [UploadFolderModule],
      inject: [AppConfig, UploadFolder],
      useFactory: ({ http }: AppConfig, folder: UploadFolder) => ({
        dest: folder.path,
        limits: {
          fileSize: http.maxUploadBytes,
          files: MAX_FILES,
          fields: MAX_FIELDS,
          fieldSize: 1024 * 1024,
        },
      }),
    }),
    EmbeddingsModule,
    CostsModule,
  ],
  controllers: [DocumentsController, CollectionsController, ReembeddingController],
  providers: [
    CollectionsService,
    DocumentsService,
    IntakeService,
    IngestionService,
    IngestionLifecycle,
    IngestionProgress,
    Claims,
    RequestReader,
    {
      provide: RemoteFetcher,
      inject: [AppConfig],
      useFactory: ({ http }: AppConfig) => new RemoteFetcher({ maxBytes: http.maxUploadBytes }),
    },
    { provide: DocumentParser, useFactory: () => new DocumentParser() },
    ChunkWriter,
    JobBroker,
    JobQueue,
    PassageEmbedder,
    ReembeddingService,
    ReembeddingQueue,
    ReembeddingLifecycle,
    Reembedder,
    Builds,
    RetiredSpaces,
  ],
})
export class DocumentsModule {}
