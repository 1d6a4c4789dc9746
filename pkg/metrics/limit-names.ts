/** Every limit whose hits are counted, with what a hit means. The name is the label of the metric. */
export const limitNames = {
  silent_per_source: "a source had as many connections as it may have without a first request",
  silent_total: "all sources together had",
  waiting: "more connections waited for one of these places than may wait",
  made_room: "a connection that had said nothing was closed for a newcomer",
  first_request: "a connection made no request in time",
  connections_per_source: "a source had as many connections as it may have",
  connections_total: "all sources together had",
  descriptors: "the process was short of file descriptors",
  penalised: "a source had abused connections",
  ping_flood: "a peer sent too many pings",
  settings_flood: "a peer sent too many settings",
  stream_resets: "a peer began and reset streams",
  useless_frames: "a peer sent much and asked for nothing",
  http2_protocol: "a peer broke the rules of HTTP/2",
  unanswered_ping: "a peer did not answer a ping, or stopped in the middle of a frame",
  http1_request: "a request of HTTP/1.1 was none, too large or too slow",
  unfinished_request: "a call over HTTP/2 that asks once did not finish asking",
  runs_per_user: "a user had as many runs as one may have",
  runs_per_agent: "an agent had",
  runs_total: "all users together had",
  run_arguments: "the names or the arguments of a run were too long or too many",
  stalled_reader: "a client took no output for a minute",
  whole_files: "files of dutctl.v1 needed more memory than there is for them",
} as const satisfies Readonly<Record<string, string>>;

export type LimitName = keyof typeof limitNames;
