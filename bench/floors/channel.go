// SPDX-License-Identifier: MIT

// What a channel of Go costs between two goroutines of one process: the yardstick of those who
// come from there. It takes the options of slice.hpp and prints the same line.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sort"
	"syscall"
	"time"
)

type question struct {
	a, b int
	op   string
}

type answer struct {
	ok     bool
	result int
	why    string
}

type record [64]byte

var begin = time.Now()

// now reads one clock, where time.Now reads two.
func now() time.Duration { return time.Since(begin) }

var samples = make([]int64, 0, 1<<22)

func add(d time.Duration) {
	if len(samples) < cap(samples) {
		samples = append(samples, int64(d))
	}
}

// roundTrips measures unbuffered channels; it returns how many messages have passed.
func roundTrips(until time.Duration) int {
	questions, answers := make(chan question), make(chan answer)
	go func() {
		for q := range questions {
			answers <- answer{true, q.a * q.b, ""}
		}
	}()
	defer close(questions)
	count := 0
	for before := now(); before < until; count += 2 {
		questions <- question{6, 7, "*"}
		<-answers
		after := now()
		add(after - before)
		before = after
	}
	return count
}

// oneWay measures a channel with room for 64 messages, in chunks of 4096.
func oneWay(until time.Duration) int {
	const chunk = 4096
	records, done := make(chan record, 64), make(chan bool)
	go func() {
		for range records {
		}
		done <- true
	}()
	count := 0
	for before := now(); before < until; count += chunk {
		for i := 0; i < chunk; i++ {
			records <- record{}
		}
		after := now()
		add((after - before) / chunk)
		before = after
	}
	close(records)
	<-done
	return count
}

func cpuTime() int64 {
	var use syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &use)
	return use.Utime.Nano() + use.Stime.Nano()
}

func at(q float64) int64 { return samples[int(q*float64(len(samples)-1))] }

func main() {
	pattern := flag.String("pattern", "round_trip", "round_trip or one_way")
	seconds := flag.Float64("seconds", 0.3, "how long to measure")
	for _, name := range []string{"bytes", "batch", "pipes", "cpus"} {
		flag.Int(name, 0, "not used here")
	}
	flag.Parse()
	run, bytes := roundTrips, 48
	if *pattern == "one_way" {
		run, bytes = oneWay, 64
	} else if *pattern != "round_trip" {
		fmt.Fprintln(os.Stderr, "no pattern", *pattern)
		os.Exit(1)
	}

	length := time.Duration(*seconds * 1e9)
	run(now() + length/10)
	samples = samples[:0]
	cpu, start := cpuTime(), now()
	messages := float64(run(start + length))
	elapsed, cpu := (now() - start).Seconds(), cpuTime()-cpu
	sort.Slice(samples, func(i, j int) bool { return samples[i] < samples[j] })

	curve := [][2]float64{}
	for _, q := range []float64{0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95,
		0.99, 0.995, 0.999, 0.9995, 0.9999} {
		curve = append(curve, [2]float64{q, float64(at(q))})
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"samples": len(samples), "min_ns": at(0), "p50_ns": at(0.5), "p90_ns": at(0.9),
		"p99_ns": at(0.99), "p999_ns": at(0.999), "max_ns": at(1),
		"messages_per_s": messages / elapsed, "bytes_per_s": messages * float64(bytes) / elapsed,
		"cpu_ns_per_message": float64(cpu) / messages, "curve": curve, "version": runtime.Version(),
	})
}
