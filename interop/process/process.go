// Package process says what a process of this machine has used, by its number: memory,
// processor time and how often it has waited. It reads Linux's /proc.
package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ResidentBytes is the memory of a process that is in RAM.
func ResidentBytes(pid int) (float64, error) {
	kib, err := statusNumber(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:")
	return kib * 1024, err
}

// AnonymousBytes is the part of it that is no file's: what the process has allocated.
func AnonymousBytes(pid int) (float64, error) {
	kib, err := statusNumber(fmt.Sprintf("/proc/%d/status", pid), "RssAnon:")
	return kib * 1024, err
}

// Files is how many files a process has open, sockets among them.
func Files(pid int) (int, error) {
	dir, err := os.Open(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0, err
	}
	names, err := dir.Readdirnames(-1)
	return len(names), errors.Join(err, dir.Close())
}

// ResidentBytesMax is the most that it ever was, or since ForgetMax.
func ResidentBytesMax(pid int) (float64, error) {
	kib, err := statusNumber(fmt.Sprintf("/proc/%d/status", pid), "VmHWM:")
	return kib * 1024, err
}

// ForgetMax has the kernel take the maximum anew from what is resident now.
func ForgetMax(pid int) error {
	const highWaterMark = "5" // proc_pid_clear_refs(5)
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte(highWaterMark), 0)
}

// TicksPerSecond is of processor time; Linux has it so on all that Go runs on.
const TicksPerSecond = 100

// Ticks is the processor time of a process, user and system, in hundredths of a
// second.
func Ticks(pid int) (float64, error) {
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

// Waits is how often a process's threads have given the processor away to wait for
// something: that it was woken as often is what an idle process costs.
func Waits(pid int) (float64, error) {
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
