import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { CostsModule } from '../costs/index.js';
import { AuthGuard } from './auth.guard.js';
import { Authenticator } from './authenticator.js';
import { JwtVerifier } from './jwt-verifier.js';
import { KeyStore } from './keys/key-store.js';
import { KeysController } from './keys/keys.controller.js';
import { KeysService } from './keys/keys.service.js';
import { LastUsed } from './keys/last-used.js';

/** Who may call, and for what. */
@Module({
  imports: [CostsModule],
  controllers: [KeysController],
  providers: [
    { provide: APP_GUARD, useClass: AuthGuard },
    Authenticator,
    JwtVerifier,
    KeyStore,
    KeysService,
    LastUsed,
  ],
})
export class AuthModule {}
