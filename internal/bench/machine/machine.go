// Package machine describes the machine that a benchmark's clients run on, without which
// its figures say little. What a system does not tell is left empty.
package machine

import (
	"os"
	"runtime"
	"strings"

	"github.com/chronik/chronik/internal/bench/result"
)

// Look describes this machine at the start of a run.
func Look() result.Machine {
	return result.Machine{
		CPU:       model(read("/proc/cpuinfo")),
		Cores:     runtime.NumCPU(),
		Kernel:    strings.TrimSpace(read("/proc/sys/kernel/ostype") + " " + read("/proc/sys/kernel/osrelease")),
		LoadStart: Load(),
	}
}

// Load is the load averages over the last 1, 5 and 15 minutes.
func Load() string { return averages(read("/proc/loadavg")) }

// read is a file's content without white space around it, or nothing.
func read(name string) string {
	content, err := os.ReadFile(name)
	if err != nil {
		return "" // not Linux, or not allowed: a report without it is still one
	}
	return strings.TrimSpace(string(content))
}

// model is the first processor's name in /proc/cpuinfo.
func model(info string) string {
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// averages are the first three fields of /proc/loadavg.
func averages(line string) string {
	fields := strings.Fields(line)
	return strings.Join(fields[:min(3, len(fields))], " ")
}
