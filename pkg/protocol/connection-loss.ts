/** How the system tells that a connection is lost on which something was still on its way: whether there was is chance. */
const losses = new Set(["ECONNRESET", "EPIPE"]);

/** What a fault of a connection means: a loss is one, however the system tells it. */
export function meaningOf(fault: Error): string {
  return "code" in fault && losses.has(String(fault.code)) ? "the connection was lost" : fault.message;
}
