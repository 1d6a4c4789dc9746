/** What `help` prints: how to call the module, and which port it is. */
export function helpText(port: string, settings: string, onlyLooks: boolean): string {
  return `Serial connection to the DUT

ARGUMENTS:
	[-i] [-t <duration>] [-history <lines>] [-take] [-share]               (interactive: your keys go to the DUT)
	[-t <duration>] [-history <lines>] [-eol cr|lf|crlf|none] [-keep-escapes] [-take] [-share]
	                                                                       (monitor: show the output)
	-history <lines> -no-follow [-keep-escapes]                            (show what was said before, and end)
	[-t <duration>] [-history <lines>] [-eol cr|lf|crlf|none] [-keep-escapes] [--] <step>...
	                                                                       (run steps)

	step := expect [-t <duration>] <regex> [or <regex>]... | fail-on <regex>
	      | send <data> | send-raw <data> | send-secret <data>
	      | break [<duration>] | dtr on|off | rts on|off

Configured COM port is ${JSON.stringify(port)} at ${settings}.
${onlyLooks ? "This command only looks: it types nothing, and is in nobody's way.\n" : ""}
Without steps the output of the DUT is shown until the run is cancelled or -t is
over, which is a success; on a terminal, or with -i, what you type goes to the DUT
as it is. With steps they run in order; the first that fails ends the run.

STEPS:
	expect <regex>      Show the output until it matches the RE2 expression [1].
	                    A plain word matches itself; write \\ before each of
	                    . $ * + ? ( ) [ ] { } ^ | \\ that is meant as it is.
	                    With "or" the one that matches first counts. -t 5s is
	                    a time limit for this step.
	fail-on <regex>     From now on output that matches fails the run.
	send <data>         Write <data> and a line ending (see -eol).
	send-raw <data>     Write <data> as it is.
	send-secret <data>  As send, and <data> is shown nowhere: markers and errors
	                    say ***, and so does the output where the DUT echoes it.
	break [<duration>]  Send a break, 250ms if nothing is said, 3s at most.
	dtr, rts on|off     Set a modem line.

What a group (?P<name>...) of an expect matched stands in later steps for %{name}.
<data> may contain \\r \\n \\t \\\\ and \\xNN (\\x03 is Ctrl-C). Every value is one
argument: quote what contains blanks. After a last send the output is shown for
one second more.

FLAGS (before the steps):
	-i                     Interactive, also without a terminal: what is piped in
	                       goes to the DUT. An adapter that is unplugged is waited
	                       for.
	-t <duration>          Time limit for the whole run, such as 30s or 3m.
	                       0 (default) sets none.
	-history <lines>       Begin with the last lines of what the DUT said before;
	                       an expect may match there.
	-no-follow             End after these.
	-take                  Take the device from a run without steps that is yours,
	                       or that was started with -share; it looks on.
	-share                 Let others take the device.
	-eol cr|lf|crlf|none   Line ending of send and send-secret (default cr, what
	                       the Enter key of a terminal sends).
	-keep-escapes          Leave terminal escape sequences (colours, cursor) in
	                       the output. Without it they are neither shown nor
	                       matched.

A match reaches back 64 KiB at most, less with a very large expression. ^ and $
stand for the ends of what has been read, which says little: match on prompts and
words. A DUT that echoes lets an expect after a send match what was sent.

EXAMPLES:
	use the console:         (no arguments, on a terminal)
	watch the console:       (no arguments, without a terminal)
	what was said before:    -history 200 -no-follow
	type a line:             printf 'uname\\r' | dutctl … -i -t 5s
	wait for a boot:         -t 60s -- fail-on 'Kernel panic' expect 'login:'
	log in, run a command:   -t 60s -- expect 'login:' send root expect 'Password:' send-secret hunter2 expect '# ' send uname
	use what it said:        -- expect 'inet (?P<ip>[0-9.]+)' send 'ping -c1 %{ip}' expect -t 5s ' 0% packet loss'
	stop with Ctrl-C:        -- send-raw '\\x03' expect '[$#] '

[1] https://golang.org/s/re2syntax
`;
}
