/** The command was called in a way that it does not know. The message is followed by the usage. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command cannot go on; the message is all that the user needs to know. */
export class StopError extends Error {
  override readonly name = 'StopError';
}

/** One file cannot be taken in, which does not concern the others. The message is the reason. */
export class FileRefusedError extends Error {
  override readonly name = 'FileRefusedError';
}

/** What an error says, and what lies beneath it: `fetch` hides the reason in its cause. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  // two refused connections, of IPv6 and IPv4, come as one error without a message
  const { code } = cause as NodeJS.ErrnoException;
  return `${error.message} (${cause.message === '' ? (code ?? cause.name) : cause.message})`;
}
