package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/chronik/chronik/internal/sim"
)

// seedMax is how long one seed may take. It takes some 20 ms, and a second where
// the machine is very busy: what takes longer is a loop without an end.
const seedMax = time.Minute

// pool is processes of this command that run seeds.
type pool struct {
	workers int
	log     io.Writer // what they say on their standard error

	mu   sync.Mutex         // of all below, and of log
	next func() (job, bool) // the next job, until there is none
	take func(job, outcome)
	cpu  time.Duration // of the processes that have ended
}

// run has the workers do jobs until next has no more. next and take are called by
// one worker at a time; jobs are begun in order and end in any.
func (p *pool) run(next func() (job, bool), take func(job, outcome)) error {
	p.next, p.take = next, take
	errs := make(chan error, p.workers)
	for range p.workers {
		go func() { errs <- p.keepBusy() }()
	}
	var first error
	for range p.workers {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// keepBusy gives one worker jobs, and replaces it where it dies.
func (p *pool) keepBusy() error {
	var w *worker
	for {
		p.mu.Lock()
		j, ok := p.next()
		p.mu.Unlock()
		if !ok {
			return p.end(w)
		}
		if w == nil {
			var err error
			if w, err = startWorker(p); err != nil {
				return err
			}
		}
		o, err := w.do(j)
		if err != nil {
			died := p.end(w)
			w = nil
			o = outcome{Result: sim.Result{Seed: j.Seed, Violation: &sim.Violation{
				Checker: "ProcessDied", What: fmt.Sprintf("the process that ran it has died: %v", died),
			}}}
		}
		p.mu.Lock()
		p.take(j, o)
		p.mu.Unlock()
	}
}

// Write takes what a worker says on its standard error: as a rule, how it dies.
func (p *pool) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

// end ends a worker in order, and says how it has ended.
func (p *pool) end(w *worker) error {
	if w == nil {
		return nil
	}
	_ = w.in.Close() // it may be dead already
	err := w.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cpu += w.cmd.ProcessState.UserTime() + w.cmd.ProcessState.SystemTime()
	return err
}

// worker is a process of this command that runs one seed after another.
type worker struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	jobs     *json.Encoder
	outcomes *json.Decoder
}

func startWorker(stderr io.Writer) (*worker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, workerArgument)
	cmd.Stderr = stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &worker{cmd: cmd, in: in, jobs: json.NewEncoder(in), outcomes: json.NewDecoder(bufio.NewReader(out))}, nil
}

// do has the worker run a seed. It is dead where that is an error.
func (w *worker) do(j job) (outcome, error) {
	var o outcome
	if err := w.jobs.Encode(j); err != nil {
		return o, err
	}
	hangs := time.AfterFunc(seedMax, func() { _ = w.cmd.Process.Kill() }) // it may be dead by then
	defer hangs.Stop()
	return o, w.outcomes.Decode(&o)
}
