/**
 * A module's conversation with whoever runs the command. Every call resolves when the message has been taken, so a
 * client that does not read slows its own run down; every call rejects with the reason once the run is over.
 */
export interface Session {
  /** Text for the user, as it is: no newline is added. */
  print(text: string): Promise<void>;
  stdout(bytes: Uint8Array): Promise<void>;
  stderr(bytes: Uint8Array): Promise<void>;
  /** What the user types, in pieces of any size; ends at the end of input. One reader at a time; `break` loses nothing but the piece at hand. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Asks the client for a file by the name that the user knows it under. Ends the run if the client does not have it. */
  requestFile(name: string): Promise<AsyncIterable<Uint8Array>>;
  /** Hands the client a file under a name. */
  sendFile(name: string, content: AsyncIterable<Uint8Array>): Promise<void>;
}
