/** One request. `http:` and `https:` only; each has a connection of its own, closed after the answer. */
export interface HttpRequest {
  /** Default GET. */
  readonly method?: string;
  /** Credentials in it (`http://user:password@host/`) are Basic ones, unless `auth` says otherwise. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes are sent with their length; what is iterated is sent as it comes, once, and abandoned when the answer is there first. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Ends everything at once, reading the answer too, with its reason. */
  readonly signal: AbortSignal;
  readonly auth?: HttpAuth;
  readonly tls?: HttpTls;
  /** The longest time until the connection stands, TLS included. Default 10,000 ms. */
  readonly connectMs?: number;
  /** The longest silence of the peer while it is its turn: to take bytes, to answer, to send more. Default 30,000 ms. */
  readonly idleMs?: number;
  /** The longest time until the answer has been read, from the start. Default none. */
  readonly limitMs?: number;
  /**
   * How many redirections are followed; default none, and then they are answers like others. Never from https to http. To
   * another origin go neither credentials nor a body, nor headers that are not known to be harmless.
   */
  readonly redirects?: number;
}

/**
 * `basic` is sent with the first request. `digest` answers the server's challenge (RFC 7616 with SHA-256 or MD5), so
 * that the password never leaves this computer; it takes no body that is iterated.
 */
export interface HttpAuth {
  readonly kind: "basic" | "digest";
  readonly user: string;
  readonly password: string;
}

/** Whose certificate is accepted; default what the system's authorities have signed. */
export interface HttpTls {
  /** Authorities in PEM, instead of the system's. */
  readonly ca?: string;
  /** SHA-256 of the server's own certificate in hexadecimal, with or without colons: that one alone is accepted, whoever signed it. */
  readonly fingerprint?: string;
  /** Accepts every certificate. */
  readonly insecure?: boolean;
}

/** An answer, whatever its status is. Disposing closes the connection; disposing twice is harmless. */
export interface HttpResponse extends AsyncDisposable {
  readonly status: number;
  /** Names in lower case; of a header that came more than once the values are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where it came from in the end, without credentials. */
  readonly url: string;
  /**
   * To be iterated once, here or by `text`; a `break` closes the connection. Throws unavailable when it breaks off,
   * deadline_exceeded after a silence, the signal's reason.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** All of the body as UTF-8, at most 64 KiB unless more are said. Throws resource_exhausted when it is longer. */
  text(mostBytes?: number): Promise<string>;
}

export interface Http {
  /**
   * Resolves when the head of the answer is there. Messages name method, host and path, never the query or credentials.
   * Throws invalid_argument for an address or credentials that cannot be used, not_found for a name that nobody knows,
   * unavailable when the peer cannot be reached, refuses or hangs up, unauthenticated for a certificate that is not
   * accepted, deadline_exceeded for a limit, failed_precondition for a redirection that may not be followed, data_loss
   * for an answer that is not HTTP, what iterating the body throws, the signal's reason.
   */
  request(request: HttpRequest): Promise<HttpResponse>;
}
