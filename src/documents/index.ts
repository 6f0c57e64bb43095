export { DocumentsModule } from './documents.module.js';
export { IntakeService } from './ingestion/intake.service.js';
