import { rm } from 'node:fs/promises';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Request } from 'express';
import { finalize, type Observable } from 'rxjs';

/** Removes the files of a request when it is over, however it ends. Stands before what receives them. */
@Injectable()
export class UploadCleanup implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<Request>();
    return next.handle().pipe(
      finalize(() => {
        const files = Array.isArray(request.files) ? request.files : [];
        for (const file of files) void remove(file);
      }),
    );
  }
}

/** One whose transfer broke off has no path, and has been removed already. */
async function remove({ path }: { path?: string }): Promise<void> {
  if (path !== undefined) await rm(path, { force: true }).catch(() => undefined);
}
