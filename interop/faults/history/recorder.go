package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Recorder keeps operations, and writes them to a file as they come, so that a run
// that dies leaves them behind. Its methods may be called concurrently.
type Recorder struct {
	mu   sync.Mutex
	ops  []Op
	file *os.File
	out  *bufio.Writer
	err  error // the first of writing
}

// Create begins a history in a new file.
func Create(path string) (*Recorder, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &Recorder{file: f, out: bufio.NewWriterSize(f, 1<<16)}, nil
}

// Add keeps one operation. An error of the file is Close's to return.
func (r *Recorder) Add(op Op) {
	line, err := json.Marshal(op)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, op)
	if err == nil {
		_, err = r.out.Write(append(line, '\n'))
	}
	if r.err == nil {
		r.err = err
	}
}

// Ops returns what was kept so far. It is shared, and must not be changed.
func (r *Recorder) Ops() []Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ops[:len(r.ops):len(r.ops)]
}

// Close writes what is left, and returns the first error of writing.
func (r *Recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.err, r.out.Flush(), r.file.Close())
}

// lineBytesMax is far above what one poll of one partition brings.
const lineBytesMax = 64 << 20

// Decode reads the lines of a history. It fails at the first line that is none.
func Decode(from io.Reader) ([]Op, error) {
	var ops []Op
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, lineBytesMax)
	for n := 1; lines.Scan(); n++ {
		var op Op
		if err := json.Unmarshal(lines.Bytes(), &op); err != nil {
			return nil, fmt.Errorf("history, line %d: %w", n, err)
		}
		ops = append(ops, op)
	}
	return ops, lines.Err()
}
