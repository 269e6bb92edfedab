# ruff: noqa: E501 (a text is easier to compare on one line)
"""Texts in which nobody speaks are refused, with what they look like, and never read as a chat or a table."""

from pathlib import Path

import pytest

from pipeline.sources.file import FileSource
from pipeline.sources.parsing.other_texts import what_it_is
from pipeline.sources.records import Record, UnreadableSource

NOBODYS = {
    "python log": "2026-04-06 21:10:02,123 INFO module: started\n2026-04-06 21:10:03,001 ERROR module: failed to open\n2026-04-06 21:10:05,101 WARNING db.pool: slow\n",
    "python dashes": "2026-04-06 21:10:02,123 - root - INFO - started: ok\n2026-04-06 21:10:03,001 - root - ERROR - failed: no\n",
    "syslog": "Apr  6 21:10:02 web1 sshd[123]: Failed password for root\nApr  6 21:10:03 web1 cron[99]: job done\nApr  6 21:10:07 web1 kernel: usb 1-1: new device\n",
    "syslog2": "Apr  6 21:10:02 web1 dhclient: bound to 1.2.3.4\nApr  6 21:10:03 web1 cron: job done\nApr  6 21:10:07 web1 kernel: usb 1-1: new device\n",
    "apache err": "[Mon Apr 06 21:10:02.123 2026] [core:error] [pid 1] File does not exist: /x\n[Mon Apr 06 21:10:03.123 2026] [core:error] [pid 1] File does not exist: /y\n",
    "access": '203.0.113.4 - - [06/Apr/2026:21:10:02 +0000] "GET / HTTP/1.1" 200 12\n203.0.113.4 - - [06/Apr/2026:21:10:03 +0000] "GET /a HTTP/1.1" 200 12\n',
    "laravel": "[2026-04-06 21:10:02] production.ERROR: Undefined index: foo\n[2026-04-06 21:10:03] production.INFO: done: ok\n",
    "java": "Apr 06, 2026 9:10:02 PM org.apache.catalina.startup.Catalina start\nINFO: Server startup in 12 ms\nApr 06, 2026 9:10:04 PM org.apache.catalina.startup.Catalina stop\nINFO: Server stop\n",
    "logback": "12:01:02.123 [main] INFO  c.f.Bar - started it: fine\n12:01:03.123 [main] WARN  c.f.Bar - careful: slow\n",
    "docker": "2026-04-06T21:10:02.123Z app[web.1]: GET / 200\n2026-04-06T21:10:03.123Z app[web.1]: GET /a 200\n",
    "rails": "I, [2026-04-06T21:10:02.123 #12]  INFO -- : Started GET\nI, [2026-04-06T21:10:03.123 #12]  INFO -- : Completed 200\n",
    "nginx err": "2026/04/06 21:10:02 [error] 12#12: *3 open() failed (2: No such file), client: 1.2.3.4\n2026/04/06 21:10:03 [warn] 12#12: *3 upstream timed out: x\n",
    "postgres": "2026-04-06 21:10:02.123 UTC [12] LOG:  checkpoint starting: time\n2026-04-06 21:10:03.123 UTC [12] ERROR:  relation missing: x\n",
    "k8s": "I0406 21:10:02.123456       1 controller.go:116] Starting: x\nE0406 21:10:03.123456       1 controller.go:118] Failed: y\n",
    "git log": "commit abc\nAuthor: Kim Doe <kim@x.example>\nDate:   Mon Apr 6 21:10:02 2026 +0200\n\n    Mend the lock\n\ncommit def\nAuthor: Lee Roe <lee@x.example>\nDate:   Tue Apr 7 21:10:02 2026 +0200\n\n    Oil it\n",
    "novel": 'It was a quiet morning at nine o\'clock when Kim went out.\n\n"Where are you going?" asked Lee.\n\n"To the sea: there is nothing else," said Kim, and it was 9:15 by the church.\n\nThey walked.\n',
    "python": 'import os\n\ndef main(path: str) -> int:\n    """Return: the size."""\n    return os.stat(path).st_size\n\nclass A:\n    name: str\n    size: int\n',
    "yaml": "name: x\nversion: 3\nsteps:\n  - run: a\n  - run: b\n",
    "c": '#include <stdio.h>\nint main(void) {\n  printf("%d\\n", 3);\n  return 0;\n}\n',
    "timetable": "09:15 Berlin\n09:45 Potsdam\n10:20 Magdeburg\n11:05 Hannover\n",
    "recipe": "Pancakes\n\nFlour: 200 g\nMilk: 300 ml\nEggs: 2\n\nMix all. Bake at 9:15.\n",
    "csvlike": "2026-04-06 21:10;Kim;3;4\n2026-04-06 21:11;Lee;5;6\n",
    "changelog": "2026-04-06  Kim Doe  <kim@x.example>\n\n\t* a.c: Mend.\n\n2026-04-07  Lee Roe  <lee@x.example>\n\n\t* b.c: Oil.\n",
    "tsv table": "time\tuser\tamount\n2026-04-06 21:10\tKim\t3\n2026-04-06 21:11\tLee\t5\n",
    "sensor": "2026-04-06 21:10 temp: 21.3\n2026-04-06 21:11 temp: 21.4\n2026-04-06 21:12 humidity: 40\n",
    "ics": "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nDTSTART:20260406T211000Z\nSUMMARY:Lock\nEND:VEVENT\nEND:VCALENDAR\n",
    "diary": "Monday, 6 April 2026\nToday I went out at 9:15. It was fine.\n\nTuesday, 7 April 2026\nRain.\n",
    "uptime": " 21:10:02 up 3 days,  2:11,  1 user,  load average: 0.00, 0.01\n 21:11:02 up 3 days,  2:12,  1 user,  load average: 0.00, 0.01\n",
    "srt no": "Chapter 1: The lock\nChapter 2: The key\nChapter 3: The bell\n",
    "latex": "\\documentclass{article}\n\\begin{document}\nHello: world\n\\end{document}\n",
    "ini": "[section]\nkey: value\nother: thing\n[more]\nkey: value\n",
    "sql": "INSERT INTO a VALUES (1, '2026-04-06 21:10:02', 'Kim: hi');\nINSERT INTO a VALUES (2, '2026-04-06 21:11:02', 'Lee: hi');\n",
}
SPOKEN = {
    "a table with a level in it": "id,priority,text,created_at\n1,ERROR,The jug leaks.,2026-09-25 14:05\n2,WARN,The lid broke.,2026-09-25 14:06\n",
    "a table that ends in semicolons": "id;text;;\n1;The jug leaks (a lot);;\n2;The lid broke (twice);;\n",
    "a chat about an error": "25/09/2026, 14:05 - Otti: ERROR 12 again\n25/09/2026, 14:07 - Potter: INFO: I look\n25/09/2026, 14:08 - Otti: fine\n"
    "25/09/2026, 14:09 - Potter: now?\n25/09/2026, 14:10 - Otti: yes\n25/09/2026, 14:11 - Potter: good\n25/09/2026, 14:12 - Otti: thanks\n"
    "25/09/2026, 14:13 - Potter: any time\n25/09/2026, 14:14 - Otti: bye\n",
    "a table of sentences": "id,text\n1,The jug leaks. It is new.\n2,The lid broke. Twice!\n",
}


@pytest.mark.parametrize("text", NOBODYS.values(), ids=NOBODYS.keys())
def test_it_refuses_what_nobody_says_in_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "download"
    path.write_text(text)
    with pytest.raises(
        UnreadableSource,
        match=r"contains no conversations|not in a known format|could be the text|no column was recognised",
    ):
        list(FileSource(path).records())


@pytest.mark.parametrize("text", SPOKEN.values(), ids=SPOKEN.keys())
def test_it_reads_what_only_looks_a_little_like_it(text: str, tmp_path: Path) -> None:
    path = tmp_path / "download"
    path.write_text(text)
    assert any(isinstance(row, Record) for row in FileSource(path).records())


def test_it_says_what_it_looks_like() -> None:
    assert what_it_is(NOBODYS["python log"]) == "the log of a program"
    assert what_it_is(NOBODYS["sql"]).startswith("a dump of a database")
    assert what_it_is(SPOKEN["a chat about an error"]) == ""
