import { getSchemaPath } from '@nestjs/swagger';
import { Problem } from '../common/index.js';
import { AlternativeDto, DoneDto, EvaluationDto } from './dto/answer.dto.js';
import { CitationDto, SourceDto } from './dto/source.dto.js';

const EXAMPLE = `id: 1
event: sources
data: {"sources":[{"id":"42","title":"Key rotation","similarity_score":0.81,"start":0,"end":78,"cited":false}]}

id: 2
event: token
data: {"text":"API keys are rotated"}

id: 3
event: token
data: {"text":" every 90 days."}

id: 4
event: citation
data: {"start":0,"end":36,"source":0,"quote":"API keys are rotated every 90 days.","source_start":16,"source_end":51}

id: 5
event: done
data: {"id":"0f8fad5b-d9cb-469f-a165-70867728950e","model":"extractive","finish_reason":"stop","cost_usd":0}

`;

const event = (name: string, description: string, data: object): object => ({
  type: 'object',
  title: name,
  description,
  required: ['id', 'event', 'data'],
  properties: { id: { type: 'string' }, event: { type: 'string', enum: [name] }, data },
});

/** How the stream of an answer is documented: OpenAPI 3.0 has no word for events, so each is an alternative. */
export const SSE_CONTENT = {
  'text/event-stream': {
    schema: {
      oneOf: [
        { type: 'string', title: 'wire format', description: 'Each event as text, as in the example.' },
        event('sources', 'Once, before the first token.', {
          type: 'object',
          required: ['sources'],
          properties: { sources: { type: 'array', items: { $ref: getSchemaPath(SourceDto) } } },
        }),
        event('token', 'As the model sends them.', {
          type: 'object',
          required: ['text'],
          properties: { text: { type: 'string' } },
        }),
        event('citation', 'After the text that it is about.', { $ref: getSchemaPath(CitationDto) }),
        event('alternative', 'Where `models` was given: what each of the others said, in their order.', {
          $ref: getSchemaPath(AlternativeDto),
        }),
        event('done', 'The answer is finished.', { $ref: getSchemaPath(DoneDto) }),
        event('evaluation', 'Where `evaluate` was set: the judgement, after `done`.', {
          $ref: getSchemaPath(EvaluationDto),
        }),
        event('error', 'Instead of `done`. What was spent until then is in the ledger.', {
          $ref: getSchemaPath(Problem),
        }),
      ],
    },
    example: EXAMPLE,
  },
};
