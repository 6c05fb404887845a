package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"time"

	"github.com/chronik/chronik/internal/plant"
	"github.com/chronik/chronik/internal/sim"
)

// workerArgument has the command work for another run of itself: jobs come on its
// standard input and outcomes leave on its standard output, as lines of JSON. A
// process runs one seed at a time, since raft's chance belongs to the process.
const workerArgument = "-work-for-parent"

// job is a seed to run.
type job struct {
	Seed  uint64
	Plant plant.Bug
	Calm  bool
}

// outcome is what came of a job.
type outcome struct {
	Result sim.Result
	Took   time.Duration
	// Unplanted is what the seed breaks without the planted bug too, where it breaks
	// anything with it: it is not the bug that was found.
	Unplanted *sim.Violation
}

const (
	// gcPercent: a run's live data are some 2 MB and its garbage four times that, and
	// collecting it at the default cost a quarter of the time.
	gcPercent = 1600
	// memoryMax is from where on memory is dearer than time.
	memoryMax = 1 << 30
)

// work takes jobs until its input ends. The parent ends it; an interrupt that the
// terminal sends to both is the parent's to deal with.
func work(in io.Reader, out io.Writer) {
	signal.Ignore(os.Interrupt)
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memoryMax)
	jobs, outcomes := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(out)
	for {
		var j job
		if jobs.Decode(&j) != nil {
			return
		}
		if err := outcomes.Encode(do(j)); err != nil {
			return // nobody reads it
		}
	}
}

func do(j job) outcome {
	began := time.Now()
	switchOn(j.Plant)
	o := outcome{Result: sim.Run(sim.Options{Seed: j.Seed, Calm: j.Calm})}
	if j.Plant != "" && o.Result.Violation != nil {
		switchOn("")
		o.Unplanted = sim.Run(sim.Options{Seed: j.Seed, Calm: j.Calm}).Violation
	}
	o.Took = time.Since(began)
	return o
}

// replay tells the story of a seed.
func replay(o options, out io.Writer) (kept bool, err error) {
	switchOn(o.plant)
	story := bufio.NewWriter(out)
	r := sim.Run(sim.Options{Seed: o.replay, Calm: o.calm, Story: story})
	_, _ = fmt.Fprintf(story, "\n%s\nseed %d: %s\ntrace %016x\n", verdict(r.Violation), r.Seed, r.Plan, r.Hash) // Flush tells
	return r.Violation == nil, story.Flush()
}

func verdict(v *sim.Violation) string {
	if v == nil {
		return "Every promise was kept."
	}
	return "Broken: " + v.Error()
}
