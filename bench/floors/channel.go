// SPDX-License-Identifier: MIT

// What a channel of Go costs between two goroutines of one process: the yardstick of those who
// come from there. It takes the options of slice.hpp and prints the same line. With one thread both
// goroutines share it; with two, each thread has a CPU of its own, as the processes of a pair have.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sort"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
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

type cpus [128]byte

func (set *cpus) call(number uintptr) {
	_, _, code := syscall.RawSyscall(number, 0, unsafe.Sizeof(*set), uintptr(unsafe.Pointer(set)))
	if code != 0 {
		fmt.Fprintln(os.Stderr, "binding a thread:", code)
		os.Exit(1)
	}
}

// bind binds this thread to the usable CPU after skip others, or the last one.
func bind(usable cpus, skip int) {
	var one cpus
	for cpu := 0; cpu < 8*len(usable) && skip >= 0; cpu++ {
		if usable[cpu/8]>>(cpu%8)&1 != 0 {
			one = cpus{}
			one[cpu/8] = 1 << (cpu % 8)
			skip--
		}
	}
	one.call(syscall.SYS_SCHED_SETAFFINITY)
}

// bindThreads lets goroutines run on so many threads, each bound to a CPU. All are kept busy until
// each is bound, so that there are no others.
func bindThreads(count int) {
	runtime.GOMAXPROCS(count)
	var usable cpus
	usable.call(syscall.SYS_SCHED_GETAFFINITY)
	var bound atomic.Int32
	each := func(skip int) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		bind(usable, skip)
		bound.Add(1)
		for int(bound.Load()) != count {
		}
	}
	for i := 1; i < count; i++ {
		go each(i)
	}
	each(0)
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
	threads := flag.Int("threads", 1, "1, or 2: on a CPU each")
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

	bindThreads(*threads)
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
