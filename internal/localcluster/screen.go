package localcluster

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
)

// lineBytesMax is where a line that does not end is cut, so that a process cannot
// make this one hold what it likes.
const lineBytesMax = 64 << 10

// screen is where all nodes write, a line at a time.
type screen struct {
	mu     sync.Mutex
	lines  io.Writer // what the nodes say
	notes  io.Writer // what is said about them
	colors bool
}

// line writes what a node says.
func (s *screen) line(node int, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.lines, "%s%s\n", s.prefix(node), text) //nolint:errcheck // whoever does not read misses it
}

// note writes what the user should know.
func (s *screen) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.notes, format+"\n", args...) //nolint:errcheck // as above
}

// prefix names the node; on a terminal in a colour of its own: cyan, yellow,
// magenta, green, blue, in turn.
func (s *screen) prefix(node int) string {
	name := fmt.Sprintf("node %d | ", node)
	if !s.colors {
		return name
	}
	colors := [...]int{36, 33, 35, 32, 34}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", colors[(node-1)%len(colors)], name)
}

// lineWriter cuts what a process writes into lines. It is for one goroutine.
type lineWriter struct {
	line    func(text []byte)
	partial []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			break
		}
		w.partial = append(w.partial, p[:i]...)
		w.flush()
		p = p[i+1:]
	}
	w.partial = append(w.partial, p...)
	if len(w.partial) >= lineBytesMax {
		w.flush()
	}
	return n, nil
}

// flush passes on a line that has no end yet.
func (w *lineWriter) flush() {
	w.line(bytes.TrimRight(w.partial, "\r"))
	w.partial = w.partial[:0]
}

// end passes on what was written after the last line's end.
func (w *lineWriter) end() {
	if len(w.partial) > 0 {
		w.flush()
	}
}

// commandLine writes arguments so that they can be given to a shell.
func commandLine(program string, arguments []string) string {
	words := make([]string, 0, 1+len(arguments))
	for _, word := range append([]string{program}, arguments...) {
		plain := func(r rune) bool {
			return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@,%+", r)
		}
		if word == "" || strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}
