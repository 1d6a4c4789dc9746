/**
 * Every limit of the wire in one place. The defaults of Node and of the RPC library have no bound where these have one.
 * Sizes in bytes, times in milliseconds.
 */
export const limits = {
  /** A message, unless it is one of those below. An agent says one such before anybody knows who it is. */
  messageBytes: 1024 * 1024,
  /** An answer that lists what a whole lab has: 50,000 devices with 600 bytes each. */
  listMessageBytes: 32 * 1024 * 1024,
  /** An answer of etcd: a hundred values of the largest that it takes, or what it tells a watcher at once. */
  storeMessageBytes: 160 * 1024 * 1024,
  /** A message of a run: protocol v1 carries a file whole in one. */
  fileMessageBytes: 128 * 1024 * 1024,

  /**
   * Flow-control windows: what one stream and one connection may have in flight. Node's 64 KiB would cap a link of
   * 20 ms round-trip time at 3 MB/s; what a stalled reader costs is bounded by them.
   */
  streamWindowBytes: 4 * 1024 * 1024,
  connectionWindowBytes: 16 * 1024 * 1024,
  /**
   * The window of a server for what an agent says: all that a client who stands still costs it. Enough for 75 MB/s at
   * 20 ms round-trip time between the two, and for 15 MB/s at 100 ms.
   */
  relayWindowBytes: 1536 * 1024,

  headerBytes: 16 * 1024,
  headerCount: 64,
  /** What a client may do over one connection. Memory is its windows both ways and headers, in megabytes as Node counts it. */
  client: {
    concurrentStreams: 128,
    resetBurst: 200,
    resetsPerSecond: 20,
    sessionMegabytes: 64,
    lasting: false,
  },
  /** The same over the connection between a server and an agent, or another server: the runs of many clients. */
  tunnel: {
    concurrentStreams: 1024,
    resetBurst: 1000,
    resetsPerSecond: 100,
    sessionMegabytes: 1024,
    lasting: true,
  },
  /**
   * Connections that have not made a request yet, of one source and of all: a source is an address, of IPv6 the network of
   * 64 bits that one machine chooses its addresses in. Those beyond wait for a place, which they get from one that has
   * been silent for a second, so that neither a thousand agents that come at once nor as many that say nothing lock
   * anybody out.
   */
  silent: { perSource: 20, fromHere: 64, total: 256, waiting: 1024, safeMs: 1_000 },
  /** Agents that dial in and have not proved who they are, some 100 KB each. Those beyond count as silent. */
  examined: { perSource: 256, fromHere: 1024, total: 1024 },
  /** Connections that the kernel keeps until the process accepts them: a lab's agents that all come back at once. */
  backlog: 4096,
  /**
   * Connections that have made one. A source may be a server with the runs of many, or the router of a whole lab; who shows
   * a certificate is held to his own share of all that he has open.
   */
  connections: { perSource: 1024, fromHere: 4096, total: 4096, perIdentity: 32 },
  /** Connections that one agent's certificate has dialled in with: one, and the one that takes its place. */
  sessionsPerAgent: 2,
  /**
   * A source whose connections were closed for abuse so often within so long has none accepted for a while; what it has
   * open stays. On this machine others are behind the same address: they get a few places still.
   */
  abuse: { closed: 5, withinMs: 60_000, penaltyMs: 60_000, fromHere: 4 },

  /** What a peer may send over one connection that costs us work and asks for nothing: token buckets. */
  pings: { burst: 20, perSecond: 10 },
  settings: { burst: 20, perSecond: 1 },
  /** Bytes a second of a peer that has no stream open. */
  uselessBytes: { burst: 256 * 1024, perSecond: 16 * 1024 },

  /** A handshake of TLS, from its first bytes on. */
  handshakeMs: 5_000,
  /** From accepting a connection to its first request. */
  firstRequestMs: 10_000,
  /** From the first byte of the headers of a request to their end. */
  headersMs: 5_000,
  /** From the beginning of a run's call to its first message. */
  firstMessageMs: 10_000,
  /** A whole HTTP/1.1 request. */
  requestMs: 30_000,
  /** What a client may take nothing for, while something waits for it. */
  stalledMs: 60_000,
  /** A connection without an open stream is closed after this. */
  idleMs: 5 * 60_000,
  /**
   * Pings go both ways while streams are open; a peer that does not answer in time is lost. Whichever end looks, and
   * whenever the line was cut, that is known within 10 s.
   */
  pingIntervalMs: 3_000,
  pingTimeoutMs: 5_000,
  /** How many pings may wait for their answers behind much data on a narrow line: three minutes of them. */
  outstandingPings: 64,
  /** Opening a connection. */
  connectMs: 10_000,
  /** The longest deadline that a timer of Node can hold; a call that wants a longer one is refused. */
  longestTimeoutMs: 2 ** 31 - 1,
  /** A unary call, as the existing client sets it. */
  unaryMs: 30_000,
} as const;
