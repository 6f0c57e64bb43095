export { DocumentsModule } from './documents.module.js';
export { IntakeService } from './ingestion/intake.service.js';
export type { AcceptedDocumentsDto, DocumentDto, DocumentListDto } from './dto/document.dto.js';
