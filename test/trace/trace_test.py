# SPDX-License-Identifier: MIT
"""REMORA_TRACE: each test runs a server and its app, both of traced.cpp, REMORA_TEST_TRACED, and reads what
they have written down. A test that hangs is killed, and fails."""
import collections
import fcntl
import json
import os
import pathlib
import resource
import signal
import subprocess
import tempfile
import unittest

TRACED = os.environ.get("REMORA_TEST_TRACED")


def environment(**variables):
    return {**os.environ, **{name: str(value) for name, value in variables.items()}}


def run(path, *arguments, **variables):
    """What the run prints, and the exit code."""
    done = subprocess.run([TRACED, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120,
                          env=environment(REMORA_TRACE=path, **variables))
    return done.stdout, done.returncode


class Frame:
    """A frame as one process has seen it."""
    def __init__(self, event, names):
        frame = event["args"].get("answer", event["args"])
        self.process = names[event["pid"], None]
        self.pid = event["pid"]
        self.track = names[event["pid"], event["tid"]].split(" (")[0]
        self.way = frame["way"]
        self.kind = frame["frame"]
        self.call = frame.get("call")
        self.service = frame["service"]
        self.type = frame.get("type")
        self.time = event["ts"]
        self.what = (self.kind, self.type, frame["size"], self.call, frame.get("connection"))


class Trace:
    def __init__(self, text):
        self.events = json.loads(text)
        self.names = {}
        for event in self.of_phase("M"):
            whose = event.get("tid") if event["name"] == "thread_name" else None
            self.names[event["pid"], whose] = event["args"]["name"]
        self.frames = [Frame(each, self.names) for each in self.of_phase("iBE")
                       if each.get("s") != "p" and each["args"].get("answer", 1)]

    def of_phase(self, phases):
        return [each for each in self.events if each["ph"] in phases]

    def notes(self):
        return [each["name"] for each in self.events if each.get("s") == "p"]

    def sent_and_received(self, one, other):
        """For each track, what the processes of one kind have sent and those of the other received."""
        pairs = collections.defaultdict(lambda: ([], []))
        for frame in self.frames:
            if frame.process.startswith(one) and frame.way == "sent":
                pairs[frame.track][0].append(frame)
            if frame.process.startswith(other) and frame.way == "received":
                pairs[frame.track][1].append(frame)
        return pairs

    def spans(self, server_or_app):
        """(begin, end or None) of each call."""
        open_spans, done = {}, []
        for event in self.of_phase("BE"):
            if not self.names[event["pid"], None].startswith(server_or_app):
                continue
            track = event["pid"], event["tid"]
            if event["ph"] == "B":
                assert track not in open_spans, "the spans of a track overlap"
                open_spans[track] = event
            else:
                done.append((open_spans.pop(track), event))
        return done + [(begin, None) for begin in open_spans.values()]


class Traces(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.path = self.folder / "trace.json"

    def trace(self, *arguments, code=0, **variables):
        self.assertEqual(run(self.path, *arguments, **variables), ("", code))
        return self.read()

    def read(self):
        trace = Trace(self.path.read_text())
        self.check_format(trace)
        return trace

    def check_format(self, trace):
        """What the Trace Event Format asks of every event."""
        last = {}
        for event in trace.events:
            self.assertIn(event["ph"], "MBEi")
            self.assertIs(type(event["pid"]), int)
            if event["ph"] == "M":
                self.assertIn(event["name"], ("process_name", "thread_name"))
                continue
            track = event["pid"], event["tid"]
            self.assertLessEqual(last.get(track, 0), event["ts"])
            last[track] = event["ts"]
            self.assertIn((event["pid"], None), trace.names)
            if event["ph"] == "i":
                self.assertIn(event["s"], "tp")
            if event.get("s") != "p":
                self.assertIn(track, trace.names)
        trace.spans("server"), trace.spans("app")

    def check_both_sides(self, trace):
        for one, other in (("server", "app"), ("app", "server")):
            for track, (sent, received) in trace.sent_and_received(one, other).items():
                self.assertEqual([each.what for each in sent], [each.what for each in received], (track, one))
                for here, there in zip(sent, received):
                    self.assertLessEqual(here.time, there.time, (track, one))

    def check_talk(self, transport):
        trace = self.trace("talk", REMORA_TEST_TRANSPORT=transport)
        self.check_both_sides(trace)
        self.assertEqual({each.track for each in trace.frames}, {"control", "remarks #1", "calls #2"})
        kinds = {each.kind for each in trace.frames}
        self.assertLessEqual({"open", "message", "close", "hello", "welcome", "connect", "connected", "request",
                              "reply", "failure", "cancel", "item", "end", "window", "time_left", "piece"}, kinds)

    def test_every_frame_over_shared_memory_is_there_as_sent_and_as_received(self):
        self.check_talk("shared_memory")

    def test_every_frame_over_fifos_is_there_as_sent_and_as_received(self):
        self.check_talk("fifo")

    def test_a_frame_has_its_service_type_size_and_call(self):
        trace = self.trace("talk")
        messages = [each for each in trace.frames if each.track == "remarks #1" and each.kind == "message"]
        self.assertEqual(len(messages), 24)
        # Header, name of the type in the first one, record, and text.
        self.assertEqual([each.what for each in messages if each.process == "app traced"][0],
                         ("message", "remark", 24 + 7 + 5 + 8, None, None))
        first = next(each for each in trace.frames if each.kind == "request")
        self.assertEqual((first.type, first.call, first.service), ("ask_back", 1, "calls"))

    def test_a_call_is_a_span_from_its_request_to_its_answer_in_both_processes(self):
        trace = self.trace("talk")
        spans = trace.spans("app")
        made = [(begin["name"], begin["args"]["call"], (end["args"]["answer"] or {}).get("type"))
                for begin, end in spans if begin["args"]["way"] == "sent"]
        self.assertIn(("add", 3, "answer"), made)
        self.assertIn(("fail", 6, "call_failure"), made)
        self.assertEqual(len(made), 13)
        served = [(begin["name"], begin["args"]["call"]) for begin, _ in trace.spans("server")
                  if begin["args"]["way"] == "received"]
        self.assertEqual(sorted(served), sorted((name, call) for name, call, _ in made))
        answered = [each for each in spans if each[1]["args"]["answer"]]
        self.assertEqual({begin["name"] for begin, end in spans if not end["args"]["answer"]}, {"never", "drop"})
        for begin, end in answered:
            self.assertEqual(begin["args"]["call"], end["args"]["answer"]["call"])
            self.assertNotEqual(begin["args"]["way"], end["args"]["answer"]["way"])

    def test_the_end_of_a_call_says_how_it_has_ended(self):
        trace = self.trace("talk")

        def ends(process, way):
            return {begin["name"]: (end["args"]["end"], end.get("cname")) for begin, end in trace.spans(process)
                    if begin["args"]["way"] == way and begin["name"] != "ask_back"}

        good = {name: ("answered", None) for name in ("add", "count", "store", "echo", "picture")}
        bad = {"fail": ("failed", "terrible"), "drop": ("cancelled", "grey")}
        self.assertEqual(ends("app", "sent"), {**good, **bad, "never": ("timed out", "bad")})
        # What the other end sees of a call whose time has passed is that it is cancelled.
        self.assertEqual(ends("server", "received"), {**good, **bad, "never": ("cancelled", "grey")})

    def end_of_late(self, trace, process):
        """How the call has ended that was given up, and when: (begin, end)."""
        (span,) = [each for each in trace.spans(process) if each[0]["name"] == "late"]
        return span[1]["args"]["end"], span[1]["args"]["answer"], [each["ts"] for each in span]

    def test_a_call_that_was_given_up_says_so_though_no_answer_has_come(self):
        trace = self.trace("give_up")
        self.assertEqual(self.end_of_late(trace, "app")[:2], ("timed out", None))
        self.assertEqual(self.end_of_late(trace, "server")[:2], ("cancelled", None))

    def check_given_up(self, scene, how):
        trace = self.trace(scene)
        self.check_both_sides(trace)
        end, answer, (_, when) = self.end_of_late(trace, "app")
        self.assertEqual((end, answer), (how, None))
        begun = {begin["args"]["call"]: begin["ts"] for begin, _ in trace.spans("app")}
        late = [each for each in trace.frames if each.process == "app traced" and each.call == 1]
        self.assertEqual([each.kind for each in late if each.way == "received"], ["end"])
        self.assertLess(when, late[-1].time)
        next_call = min(begun[call] for call in begun if begun[call] > late[-2].time)  # after its `cancel`
        self.assertLess(when, next_call)
        # In the other process the call goes on until its handler has ended.
        end, answer, (_, when) = self.end_of_late(trace, "server")
        self.assertEqual((end, answer["frame"]), ("cancelled", "end"))
        self.assertLess(next_call, when)

    def test_the_span_of_a_call_that_has_timed_out_ends_then(self):
        self.check_given_up("time_out", "timed out")

    def test_the_span_of_a_call_that_was_cancelled_ends_then(self):
        self.check_given_up("cancel", "cancelled")

    def test_a_failed_call_has_its_reason_in_both_processes(self):
        trace = self.trace("fail")
        for process in "app", "server":
            why = {begin["name"]: end["args"]["answer"].get("failure") for begin, end in trace.spans(process)}
            self.assertEqual(why["fail"], {"kind": "failed", "text": "no"})
            self.assertEqual(why["complain"]["code"], "generic 2: No such file or directory")
            self.assertEqual(why["complain"]["text"], r'a "text"\x0a' + 191 * "x" + "...")
            self.assertEqual(why["unknown"]["kind"], "unknown request")
            self.assertIn("remora", why["unknown"]["code"])
            self.assertIn("no handler takes", why["unknown"]["text"])
            colors = {begin["name"]: end.get("cname") for begin, end in trace.spans(process)}
            self.assertEqual((colors["fail"], colors["unknown"]), ("terrible", "yellow"))

    def test_the_track_of_events_has_a_name(self):
        trace = self.trace("talk")
        self.assertEqual({trace.names[each["pid"], each["tid"]] for each in trace.of_phase("i")
                          if each["s"] == "p"}, {"events"})
        self.assertEqual(list(trace.names.values()).count("events"), 2)

    def test_calls_at_the_same_time_have_tracks_of_their_own(self):
        trace = self.trace("talk")
        names = [name for (_, tid), name in trace.names.items() if tid]
        self.assertIn("calls #2", names)
        self.assertIn("calls #2 (2)", names)

    def test_the_trace_of_an_app_that_is_killed_is_complete(self):
        trace = self.trace("die", "100", code=128 + signal.SIGKILL)
        self.check_both_sides(trace)
        replies = [each for each in trace.frames if each.kind == "reply" and each.way == "received"]
        self.assertEqual(len(replies), 100)
        (unanswered,) = [begin for begin, end in trace.spans("app") if end is None]
        self.assertEqual(unanswered["name"], "never")
        (ended,) = [end for _, end in trace.spans("server") if end["args"]["answer"] is None]
        self.assertIn("app ended", " ".join(trace.notes()))

    def test_an_app_that_is_started_again_is_a_further_process(self):
        trace = self.trace("die_once")
        lives = {each.pid for each in trace.frames if each.process == "app traced"}
        self.assertEqual(len(lives), 2)
        tracks = {each.track for each in trace.frames if each.process == "server traced"}
        self.assertIn("restarting", " ".join(trace.notes()))
        self.assertEqual(tracks, {"control", "calls #1", "control life 2", "calls #1 life 2"})

    def test_names_from_the_other_side_are_escaped(self):
        trace = self.trace("talk_strangely")
        messages = [each for each in trace.frames if each.kind == "message"]
        self.assertEqual({each.type for each in messages}, {r'"}]\\x0a\x01\xff\xc3{[,'})
        self.assertEqual({each.service for each in messages}, {r'a "service"}],\ \xff\xc3'})
        self.assertEqual(len(messages), 4)

    def test_a_trace_ends_at_its_limit_and_says_so(self):
        printed, code = run(self.path, "talk_much", "5000", REMORA_TRACE_LIMIT=1)
        self.assertEqual(code, 0)
        self.assertEqual(printed.count("it ends early: 1 MiB are written"), 2)  # by each process
        trace = self.read()
        self.assertIn("trace: it ends early: 1 MiB are written", trace.notes())
        self.assertLess(abs(self.path.stat().st_size - (1 << 20)), 1 << 16)

    def test_a_limit_that_is_no_number_is_told(self):
        printed, code = run(self.path, "talk", REMORA_TRACE_LIMIT="1G")
        self.assertEqual(code, 0)
        line = 'remora: REMORA_TRACE_LIMIT is "1G", and no number of MiB; taken for 1024'
        self.assertIn(line, printed)

    def test_a_run_goes_on_without_a_trace_that_cannot_be_written(self):
        (self.folder / "folder").mkdir()
        os.mkfifo(self.folder / "fifo")
        for name, why in (("missing/trace", "No such file or directory"), ("folder", "Is a directory"),
                          ("fifo", "No such device or address"), ("/dev/null", "it is no regular file")):
            printed, code = run(self.folder / name, "talk")
            self.assertEqual((printed.count("remora: trace "), code), (1, 0), printed)
            self.assertIn(why, printed)

    def test_a_file_that_cannot_grow_ends_with_a_whole_record(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

        done = subprocess.run([TRACED, "talk"], capture_output=True, text=True, timeout=120, preexec_fn=limit,
                              env=environment(REMORA_TRACE=self.path, REMORA_TEST_TRANSPORT="fifo"))
        self.assertEqual((done.returncode, done.stderr.count("it ends early: File too large")), (0, 2), done.stderr)
        text = self.path.read_text()
        self.assertEqual(self.check_format(Trace(text.removesuffix("\n]\n") + "]")), None)
        self.assertGreater(len(text), 9_000)

    def test_an_app_without_a_trace_of_its_server_writes_into_no_file(self):
        with open(self.path, "w") as file:
            file.write("mine")
        subprocess.run([TRACED, "talk"], capture_output=True, timeout=120, check=True,
                       env=environment(REMORA_TRACE_INTO=f"{1 << 30}:{self.path}"))
        self.assertEqual(self.path.read_text(), "mine")

    def test_a_second_run_leaves_the_file_of_the_first_alone(self):
        with open(self.path, "w") as file:
            file.write("mine")
            file.flush()
            fcntl.flock(file, fcntl.LOCK_EX)
            printed, code = run(self.path, "talk")
        self.assertEqual((self.path.read_text(), code), ("mine", 0))
        self.assertIn("another run writes to it", printed)

    def test_the_file_may_be_named_after_the_server(self):
        server = subprocess.Popen([TRACED, "talk"], env=environment(REMORA_TRACE=self.folder / "%p.json"))
        self.assertEqual(server.wait(120), 0)
        self.path = self.folder / f"{server.pid}.json"
        self.check_both_sides(self.read())

    def test_an_app_that_somebody_else_starts_is_traced_too(self):
        server = subprocess.Popen([TRACED, "talk"], stderr=subprocess.PIPE, text=True,
                                  env=environment(REMORA_TRACE=self.path, REMORA_ATTACH=1))
        server.stderr.readline()
        self.assertEqual(subprocess.run(["sh", "-c", server.stderr.readline()], timeout=120).returncode, 0)
        self.assertEqual(server.wait(120), 0)
        server.stderr.close()
        self.check_both_sides(self.read())

    def test_the_trace_of_an_app_behind_a_launcher_is_complete(self):
        launcher = self.folder / "launcher"
        launcher.write_text('#!/bin/sh\n"$@"\nexit $?\n')  # the shell waits for it
        launcher.chmod(0o700)
        self.check_both_sides(self.trace("talk", REMORA_LAUNCHER=launcher))

    def test_a_trace_is_made_anew_and_for_its_user_alone(self):
        self.path.write_text("what was there before" * 100_000)
        self.path.unlink()
        self.trace("talk_strangely")
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        size = self.path.stat().st_size
        self.path.write_text("x" * 1_000_000)
        self.trace("talk_strangely")
        self.assertLess(self.path.stat().st_size, 2 * size)
