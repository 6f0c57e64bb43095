import { Injectable } from '@nestjs/common';
import type { Response } from 'express';

/** The caller closed the connection. */
export class ClientDisconnectedError extends Error {
  override readonly name = 'ClientDisconnectedError';
  constructor() {
    super('The client closed the connection');
  }
}

/** The service is stopping and the time that open requests had to finish is over. */
export class ShutdownError extends Error {
  override readonly name = 'ShutdownError';
  constructor() {
    super('The service is stopping');
  }
}

/** The requests that wait for something, each with the signal that ends it. */
@Injectable()
export class OpenRequests {
  private readonly open = new Set<AbortController>();

  /** A signal that aborts when the client goes away before its response is finished, or the service stops. */
  track(response: Response): AbortSignal {
    const controller = new AbortController();
    if (response.destroyed) controller.abort(new ClientDisconnectedError());
    else this.open.add(controller);
    response.once('close', () => {
      this.open.delete(controller);
      if (!response.writableFinished) controller.abort(new ClientDisconnectedError());
    });
    return controller.signal;
  }

  /** Ends all of them, for a service that stops. */
  abortAll(): void {
    for (const controller of this.open) controller.abort(new ShutdownError());
  }
}
