//go:build linux

package mount

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"github.com/chronik/chronik/interop/faults/disk"
)

// Process is a disk in a process of its own, seen from the one that started it. It is
// used by one goroutine at a time.
type Process struct {
	Dir string // where it is mounted

	process *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
}

// Start runs a command that calls Serve with its standard input and output, and waits
// until the disk is mounted on dir.
func Start(command []string, dir string) (*Process, error) {
	p := &Process{Dir: dir, process: exec.Command(command[0], command[1:]...)}
	p.process.Stderr = os.Stderr
	// Ctrl+C is for us, who end it in order.
	p.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var err error
	if p.in, err = p.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = json.NewDecoder(out)
	if err := p.process.Start(); err != nil {
		return nil, fmt.Errorf("start a disk: %w", err)
	}
	if _, err := p.answered(); err != nil {
		return nil, errors.Join(fmt.Errorf("mount a disk on %s: %w", dir, err), p.Close())
	}
	return p, nil
}

func (p *Process) answered() (answer, error) {
	var a answer
	if err := p.out.Decode(&a); err != nil {
		return a, err
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

func (p *Process) ask(r request) (answer, error) {
	if err := json.NewEncoder(p.in).Encode(r); err != nil {
		return answer{}, fmt.Errorf("disk %s: %w", p.Dir, err)
	}
	a, err := p.answered()
	if err != nil {
		err = fmt.Errorf("disk %s: %s: %w", p.Dir, r.Do, err)
	}
	return a, err
}

// LosePower takes away what was not synced. No process may use the disk.
func (p *Process) LosePower(seed uint64) (disk.Loss, error) {
	a, err := p.ask(request{Do: losePower, Seed: seed})
	return a.Loss, err
}

// Fill leaves so many bytes that can still be taken.
func (p *Process) Fill(left int64) error {
	_, err := p.ask(request{Do: fillUp, Left: left})
	return err
}

// MakeRoom ends what Fill began.
func (p *Process) MakeRoom() error {
	_, err := p.ask(request{Do: makeRoom})
	return err
}

// RefuseSyncs has every sync fail, or ends that.
func (p *Process) RefuseSyncs(refuse bool) error {
	do := allowSyncs
	if refuse {
		do = refuseSyncs
	}
	_, err := p.ask(request{Do: do})
	return err
}

// Felt returns how often the disk was found full, and a sync failed.
func (p *Process) Felt() (disk.Felt, error) {
	a, err := p.ask(request{Do: askFelt})
	return a.Felt, err
}

// Close unmounts the disk, and ends its process.
func (p *Process) Close() error {
	return errors.Join(p.in.Close(), p.process.Wait())
}
