import { Global, Module } from '@nestjs/common';
import { OpenRequests } from './http/open-requests.js';

/** What every module may need. */
@Global()
@Module({ providers: [OpenRequests], exports: [OpenRequests] })
export class CommonModule {}
