//go:build linux

package mount

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/chronik/chronik/interop/faults/disk"
)

// request is a line that a disk's process is sent, and answer the line it sends back.
type request struct {
	Do   string `json:"do"`
	Seed uint64 `json:"seed,omitempty"`
	Left int64  `json:"left,omitempty"`
}

type answer struct {
	Error string    `json:"error,omitempty"`
	Loss  disk.Loss `json:"loss"`
	Felt  disk.Felt `json:"felt"`
}

// What a disk's process can be asked for.
const (
	losePower   = "lose-power"
	fillUp      = "fill"
	makeRoom    = "make-room"
	refuseSyncs = "refuse-syncs"
	allowSyncs  = "allow-syncs"
	askFelt     = "felt"
)

// Serve is a disk's process: it mounts an empty disk on dir that keeps contents in
// store, and does what the lines that it reads ask for, until they end.
func Serve(store, dir string, in io.Reader, out io.Writer) error {
	d, err := disk.New(store)
	if err != nil {
		return err
	}
	m, err := New(d, dir)
	if err != nil {
		return errors.Join(err, d.Close())
	}
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	err = answers.Encode(answer{}) // it is mounted
	for err == nil {
		var r request
		if err = requests.Decode(&r); err != nil {
			break
		}
		var a answer
		if m, err = perform(r, d, m, dir, &a); err != nil {
			a.Error = err.Error()
		}
		err = errors.Join(err, answers.Encode(a))
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	// Who asked may have died, and left processes that have files open.
	if m != nil && m.Unmount() != nil {
		err = errors.Join(err, syscall.Unmount(dir, syscall.MNT_DETACH))
	}
	return errors.Join(err, d.Close())
}

// perform does what was asked for. An error is the end of the disk.
func perform(r request, d *disk.Disk, m *Mount, dir string, a *answer) (*Mount, error) {
	switch r.Do {
	case losePower:
		if err := m.Unmount(); err != nil {
			return m, err
		}
		var err error
		if a.Loss, err = d.LosePower(r.Seed); err != nil {
			return nil, err
		}
		return New(d, dir)
	case fillUp:
		d.Fill(r.Left)
	case makeRoom:
		d.Empty()
	case refuseSyncs, allowSyncs:
		d.RefuseSyncs(r.Do == refuseSyncs)
	case askFelt:
		a.Felt = d.Felt()
	default:
		return m, fmt.Errorf("a disk cannot %q", r.Do)
	}
	return m, nil
}
