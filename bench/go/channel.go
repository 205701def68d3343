// SPDX-License-Identifier: MIT

// What a channel of Go costs between two goroutines of one process: the yardstick of those who
// come from there. With one thread both goroutines share it; with two, each thread has a CPU of its
// own, as the processes of a pair have.
package main

import (
	"flag"
	"os"
	"runtime"
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
		check("binding a thread", code)
	}
}

// usable says on which CPUs this thread may run.
func usable() cpus {
	var set cpus
	set.call(syscall.SYS_SCHED_GETAFFINITY)
	return set
}

// bind binds this thread to the CPU of those after skip others, or the last one.
func bind(among cpus, skip int) {
	var one cpus
	for cpu := 0; cpu < 8*len(among) && skip >= 0; cpu++ {
		if among[cpu/8]>>(cpu%8)&1 != 0 {
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
	among := usable()
	var bound atomic.Int32
	each := func(skip int) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		bind(among, skip)
		bound.Add(1)
		for int(bound.Load()) != count {
		}
	}
	for i := 1; i < count; i++ {
		go each(i)
	}
	each(0)
}

func main() {
	threads := flag.Int("threads", 1, "1, or 2: on a CPU each")
	flag.Parse()
	bindThreads(*threads)
	run(roundTrips, oneWay, os.Getpid())
}
