package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// residentBytes is the memory of a process that is in RAM.
func residentBytes(pid int) (float64, error) {
	kib, err := statusNumber(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:")
	return kib * 1024, err
}

// cpuTicks is the processor time of a process, user and system, in hundredths of a
// second.
func cpuTicks(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name of the program, in parentheses, may hold spaces.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	const utime, stime = 11, 12 // proc(5), counted from the state
	user, err := strconv.ParseFloat(fields[utime], 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(fields[stime], 64)
	return user + system, err
}

// waits is how often a process's threads have given the processor away to wait for
// something: that it was woken as often is what an idle process costs.
func waits(pid int) (float64, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		return 0, err
	}
	var sum float64
	for _, thread := range threads {
		n, err := statusNumber(thread, "voluntary_ctxt_switches:")
		if err != nil && !errors.Is(err, os.ErrNotExist) { // one that has ended
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// statusNumber is the first number of a line of a status file.
func statusNumber(path, name string) (float64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strconv.ParseFloat(strings.Fields(rest)[0], 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, name)
}
