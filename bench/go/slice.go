// SPDX-License-Identifier: MIT

// What the measured programs in Go share: the options of slice.hpp, the samples, and the line that
// it prints.
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
	"unsafe"
)

var (
	pattern = flag.String("pattern", "round_trip", "round_trip or one_way")
	seconds = flag.Float64("seconds", 0.3, "how long to measure")
)

func init() {
	for _, name := range []string{"bytes", "batch", "pipes", "cpus"} {
		flag.Int(name, 0, "not used here")
	}
}

const chunk = 4096 // messages of one_way that are one sample

var begin = time.Now()

// now reads one clock, where time.Now reads two.
func now() time.Duration { return time.Since(begin) }

var samples = make([]int64, 0, 1<<22)

func add(d time.Duration) {
	if len(samples) < cap(samples) {
		samples = append(samples, int64(d))
	}
}

// check ends the program if something has failed.
func check(what string, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, what+":", err)
		os.Exit(1)
	}
}

// cpuTime says how many nanoseconds all threads of a process have used.
func cpuTime(pid int) int64 {
	var used syscall.Timespec
	clock := uintptr(^pid<<3 | 2) // see clock_getcpuclockid(3)
	_, _, code := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&used)), 0)
	if code != 0 {
		check("looking at the time of a process", code)
	}
	return used.Nano()
}

func at(q float64) int64 { return samples[int(q*float64(len(samples)-1))] }

// run measures one of the patterns, each a function that goes on until a moment and returns how many
// messages have passed, in these processes.
func run(roundTrips, oneWay func(until time.Duration) int, processes ...int) {
	cpu := func() (sum int64) {
		for _, pid := range processes {
			sum += cpuTime(pid)
		}
		return sum
	}
	measured, bytes := roundTrips, 48
	if *pattern == "one_way" {
		measured, bytes = oneWay, 64
	} else if *pattern != "round_trip" {
		check(*pattern, fmt.Errorf("no such pattern"))
	}
	length := time.Duration(*seconds * 1e9)
	measured(now() + length/10)
	samples = samples[:0]
	used, start := cpu(), now()
	messages := float64(measured(start + length))
	elapsed, used := (now() - start).Seconds(), cpu()-used
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
		"cpu_ns_per_message": float64(used) / messages, "curve": curve, "version": runtime.Version(),
	})
}
