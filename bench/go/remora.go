// SPDX-License-Identifier: MIT

// The same patterns over the Remora of 2016, in Go: a server that starts this program again, as its
// app. That asks and sends, with the API as its authors show it. The kernel chooses the CPUs: bound
// to one each, as other pairs are, the two take several times as long.
package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/toshaf/remora/client"
	"github.com/toshaf/remora/comms"
	"github.com/toshaf/remora/server"
)

type Question struct {
	A, B int
	Op   string
}

type Answer struct {
	Ok     bool
	Result int
	Why    string
}

type Record struct {
	Bytes []byte
	Last  bool
}

// answer ends with the app.
func answer(pipe comms.Pipe) {
	for {
		var asked Question
		err := pipe.Recv(&asked)
		if err == io.EOF {
			return
		}
		check("a question", err)
		check("an answer", pipe.Send(Answer{true, asked.A * asked.B, ""}))
	}
}

// take ends with the app. It answers the last of some records with their number.
func take(pipe comms.Pipe) {
	for count := 0; ; {
		var record Record
		err := pipe.Recv(&record)
		if err == io.EOF {
			return
		}
		check("a record", err)
		count++
		if record.Last {
			check("their number", pipe.Send(count))
			count = 0
		}
	}
}

func roundTrips(pipe comms.Pipe) func(time.Duration) int {
	return func(until time.Duration) int {
		count := 0
		for before := now(); before < until; count += 2 {
			var answered Answer
			check("a question", pipe.Send(Question{6, 7, "*"}))
			check("an answer", pipe.Recv(&answered))
			if answered.Result != 42 {
				check("an answer", errors.New("a wrong one"))
			}
			after := now()
			add(after - before)
			before = after
		}
		return count
	}
}

func oneWay(pipe comms.Pipe) func(time.Duration) int {
	record := Record{make([]byte, 64), false}
	return func(until time.Duration) int {
		count := 0
		for before := now(); before < until; count += chunk {
			for i := 0; i < chunk; i++ {
				check("a record", pipe.Send(record))
			}
			after := now()
			add((after - before) / chunk)
			before = after
		}
		check("the last record", pipe.Send(Record{record.Bytes, true}))
		var arrived int
		check("their number", pipe.Recv(&arrived))
		if arrived != count+1 {
			check("their number", errors.New("a wrong one"))
		}
		return count
	}
}

func serve() {
	program, err := os.Executable()
	check("this program", err)
	os.RemoveAll(filepath.Join(filepath.Dir(program), ".pipes")) // of one that was killed
	serving := server.New(server.Args{Target: program})
	pipe, err := serving.Open(*pattern)
	check("a pipe", err)
	if *pattern == "one_way" {
		go take(pipe)
	} else {
		go answer(pipe)
	}
	app, err := serving.Start(append(os.Args, "--app")...)
	check("the app", err)
	check("the app", <-app.Result())
	check("the end", serving.Close())
}

func ask() {
	me := client.New()
	pipe, err := me.Connect(*pattern)
	check("a pipe", err)
	run(roundTrips(pipe), oneWay(pipe), os.Getpid(), os.Getppid())
	check("the end", me.Close())
}

func main() {
	isApp := flag.Bool("app", false, "started by the server")
	flag.Parse()
	if *isApp {
		ask()
	} else {
		serve()
	}
}
